import Crypto
import Foundation

/// How many entries a set has, and a hash of them that does not depend on their order: what two sides compare to know
/// that they have the same.
///
/// The hash is the sum, in four lanes of 64 bits modulo 2^64, of SHA-256 over each element; so it is kept up to date by
/// adding and subtracting. An element is an entry's ID, or an ID with the digest of the entry's content.
public struct SetSummary: Hashable, Sendable {
    public private(set) var count = 0
    private var lanes = Lanes()

    public init() {}

    public init(_ ids: some Sequence<EntryID>) {
        for id in ids { insert(id) }
    }

    /// Adds an entry; with a digest, an entry with this content.
    public mutating func insert(_ id: EntryID, _ digest: EntryDigest? = nil) {
        count += 1
        lanes.add(Lanes(id, digest))
    }

    /// Takes away what `insert` has added.
    public mutating func remove(_ id: EntryID, _ digest: EntryDigest? = nil) {
        count -= 1
        lanes.subtract(Lanes(id, digest))
    }

    public static func + (left: SetSummary, right: SetSummary) -> SetSummary {
        var sum = left
        sum.count += right.count
        sum.lanes.add(right.lanes)
        return sum
    }

    /// 64 hexadecimal digits.
    public var hash: String {
        lanes.all.map { lane in
            let digits = String(lane, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// The form in which a store keeps a summary.
extension SetSummary {
    /// The hash as 32 bytes.
    public var hashBytes: [UInt8] {
        lanes.all.flatMap { lane in withUnsafeBytes(of: lane.bigEndian) { Array($0) } }
    }

    /// Nil unless there are 32 bytes.
    public init?(count: Int, hashBytes: [UInt8]) {
        guard hashBytes.count == 32 else { return nil }
        self.count = count
        self.lanes = hashBytes.withUnsafeBytes { Lanes($0) }
    }
}

/// Not a vector of the standard library: a value aligned to 32 bytes does not survive a suspension (Swift 6.3).
private struct Lanes: Hashable {
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt64 = 0
    private var fourth: UInt64 = 0

    init() {}

    init(_ id: EntryID, _ digest: EntryDigest?) {
        var hash = SHA256()
        withUnsafeBytes(of: id.organization.uuid.uuid) { hash.update(bufferPointer: $0) }
        withUnsafeBytes(of: id.uuid.uuid) { hash.update(bufferPointer: $0) }
        digest?.bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
        self = hash.finalize().withUnsafeBytes { Lanes($0) }
    }

    /// - Parameter bytes: 32 of them.
    init(_ bytes: UnsafeRawBufferPointer) {
        func lane(_ index: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        (first, second, third, fourth) = (lane(0), lane(1), lane(2), lane(3))
    }

    var all: [UInt64] { [first, second, third, fourth] }

    mutating func add(_ other: Lanes) {
        first &+= other.first
        second &+= other.second
        third &+= other.third
        fourth &+= other.fourth
    }

    mutating func subtract(_ other: Lanes) {
        first &-= other.first
        second &-= other.second
        third &-= other.third
        fourth &-= other.fourth
    }
}
