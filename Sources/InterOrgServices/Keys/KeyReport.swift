import Foundation
import MailTransport

/// A certificate of the organization itself or of a peer, as it is shown.
public struct KeyReport: Sendable, Codable, Equatable {
    /// How its time stands.
    public enum State: String, Sendable, Codable {
        case valid
        /// It ends within 30 days.
        case expiring
        case expired
        case notYetValid
    }

    public var organization: String
    /// Whether it is this organization's own.
    public var isOwn: Bool
    /// Whom it is for, as it says itself.
    public var subject: String
    /// The mail addresses that it has in it.
    public var addresses: [String]
    /// SHA-256: 64 hexadecimal digits in groups of four.
    public var fingerprint: String
    public var validFrom: Date
    public var validUntil: Date
    /// Whole days until it ends; negative afterwards.
    public var daysLeft: Int
    public var state: State

    /// How long ahead people are told.
    private static let warningDays = 30

    init(_ certificate: Certificate, of organization: String, isOwn: Bool, now: Date) {
        self.organization = organization
        self.isOwn = isOwn
        subject = certificate.subject
        addresses = certificate.addresses.map(\.text)
        fingerprint = certificate.fingerprint
        validFrom = certificate.notBefore
        validUntil = certificate.notAfter
        daysLeft = Int((certificate.notAfter.timeIntervalSince(now) / 86_400).rounded(.down))
        state =
            if now > certificate.notAfter {
                .expired
            } else if now < certificate.notBefore {
                .notYetValid
            } else if daysLeft < Self.warningDays {
                .expiring
            } else {
                .valid
            }
    }
}

extension Configuration {
    /// The own certificate and those of the peers, which were read with the configuration.
    public func keyReports(now: Date) -> [KeyReport] {
        var reports: [KeyReport] = []
        if let own = exchange.protection.keys?.identity?.certificate {
            reports.append(KeyReport(own, of: organization, isOwn: true, now: now))
        }
        for peer in peers {
            reports += peer.certificates.all.map { KeyReport($0, of: peer.organization, isOwn: false, now: now) }
        }
        return reports
    }

    /// What is to be done about keys, in words for people: about certificates that end soon or have ended, as far as no
    /// other one of the same organization goes on. Nothing if mail is not sealed.
    public func keyWarnings(now: Date) -> [String] {
        guard case .sealed(let keys) = exchange.protection else { return [] }
        let reports = Dictionary(grouping: keyReports(now: now), by: \.organization)
        let validity = reports.sorted { $0.key < $1.key }.compactMap { organization, reports -> String? in
            guard !reports.contains(where: { $0.state == .valid }),
                let last = reports.max(by: { $0.validUntil < $1.validUntil })
            else { return nil }
            return warning(last, organization)
        }
        return validity + [addressWarning(keys)].compactMap(\.self)
    }

    /// For those who pin the certificate its addresses do not matter.
    private func addressWarning(_ keys: Keys) -> String? {
        guard let own = keys.identity?.certificate, let address = try? MailAddress(exchange.address),
            !own.addresses.contains(address)
        else { return nil }
        return "our own certificate does not have the address \(address) in it; organizations that go by an authority "
            + "refuse mail that is signed with it"
    }

    private func warning(_ key: KeyReport, _ organization: String) -> String {
        let day = key.validUntil.formatted(.iso8601.year().month().day())
        let whose = key.isOwn ? "our own certificate" : "the certificate of \(organization)"
        let advice =
            key.isOwn
            ? "make a new one with interorg keys create and give it to the other organizations"
            : "ask for the new one and run interorg keys trust"
        switch key.state {
        case .expired: return "\(whose) has expired on \(day), and mail with it is refused; \(advice)"
        case .notYetValid:
            let from = key.validFrom.formatted(.iso8601.year().month().day())
            return "\(whose) is not valid before \(from), and mail with it is refused until then; is the clock right?"
        case .expiring, .valid: return "\(whose) expires in \(key.daysLeft) days, on \(day); \(advice)"
        }
    }
}
