import Crypto
import Foundation

/// SHA-256 over all that travels of an entry. Two entries with the same digest are the same address-book entry.
///
/// Byte-exact over sorted values, so "Smith" after "smith" does travel; an ordered field (`mail`) keeps its order.
/// Every part is preceded by its length, so that no two different entries give the same input.
public struct EntryDigest: Hashable, Sendable {
    /// 32 bytes.
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// That of no entry: the destination has something under the ID, but what is not known.
    public static let unknown = EntryDigest(bytes: [])

    public init(_ entry: Entry) {
        var input = DigestInput(capacity: entry.valueBytes + 512)
        input.append(entry.kind.rawValue.utf8)
        input.append(entry.id.organization.uuid)
        input.append(entry.id.uuid)
        if let parent = entry.parent { input.append(parent) } else { input.append(count: 0) }
        input.append(entry.name.bytes)
        input.append(count: entry.fields.count)
        for (field, values) in entry.fields.sorted(by: { $0.key < $1.key }) {
            input.append(field.rawValue.utf8)
            input.append(count: values.count)
            for value in field.isOrdered || values.count == 1 ? values : values.sorted() { input.append(value.bytes) }
        }
        input.append(count: entry.members.count)
        for member in entry.members.sorted() {
            input.append(member.organization.uuid)
            input.append(member.uuid)
        }
        self.bytes = SHA256.hash(data: input.bytes).withUnsafeBytes { Array($0) }
    }
}

extension Entry {
    public var digest: EntryDigest { EntryDigest(self) }
}

private struct DigestInput {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func append(count: Int) {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ part: some Collection<UInt8>) {
        append(count: part.count)
        bytes.append(contentsOf: part)
    }

    mutating func append(_ uuid: UUID) {
        withUnsafeBytes(of: uuid.uuid) { append($0) }
    }
}
