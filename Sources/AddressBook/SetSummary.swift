import Crypto
import Foundation

/// How many entries a set has, and a hash of their IDs that does not depend on their order: what the receiver of a
/// full transfer compares before it concludes anything from an entry that is missing.
///
/// The hash is the sum, in four lanes of 64 bits modulo 2^64, of SHA-256 over each ID; so it can be kept up to date
/// by adding and subtracting.
public struct SetSummary: Hashable, Sendable {
    public private(set) var count = 0
    private var lanes: [UInt64] = [0, 0, 0, 0]

    public init() {}

    public init(_ ids: some Sequence<EntryID>) {
        for id in ids { insert(id) }
    }

    public mutating func insert(_ id: EntryID) {
        count += 1
        let hash = Array(SHA256.hash(data: id.organization.uuid.bytes + id.uuid.bytes))
        for lane in lanes.indices {
            lanes[lane] &+= hash.withUnsafeBytes { bytes in
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: lane * 8, as: UInt64.self))
            }
        }
    }

    /// 64 hexadecimal digits.
    public var hash: String {
        lanes.map { lane in
            let digits = String(lane, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
