import Foundation
import Synchronization

/// The newest certificate of each peer that an authority stands for, as the peer's own mail has shown it: so mail can be
/// encrypted to a peer whose certificate nobody has put into a file, and to the one that it was renewed to.
public final class LearnedCertificates: Sendable {
    private let newest: Mutex<[UUID: Certificate]>
    private let changed: @Sendable (UUID, Certificate) -> Void

    /// The encoding of a certificate that is kept has at most so many bytes: a mail has to have room beside it.
    static let bytesMax = 8_192

    /// - Parameters:
    ///   - known: what was learned before.
    ///   - changed: called with each certificate that is newer than the one before, to keep it.
    public init(_ known: [UUID: Certificate] = [:], changed: @escaping @Sendable (UUID, Certificate) -> Void) {
        newest = Mutex(known)
        self.changed = changed
    }

    subscript(peer: UUID) -> Certificate? { newest.withLock { $0[peer] } }

    /// An old mail that comes again brings no old certificate back.
    func learn(_ certificate: Certificate, of peer: UUID) {
        guard certificate.der.count <= Self.bytesMax else { return }
        let isNews = newest.withLock { newest in
            if let known = newest[peer], known.notBefore >= certificate.notBefore { return false }
            newest[peer] = certificate
            return true
        }
        if isNews { changed(peer, certificate) }
    }
}
