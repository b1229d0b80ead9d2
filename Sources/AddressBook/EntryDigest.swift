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

    public init(_ entry: Entry) {
        var input = DigestInput()
        input.append(Array(entry.kind.rawValue.utf8))
        input.append(entry.id.organization.uuid.bytes)
        input.append(entry.id.uuid.bytes)
        input.append(entry.parent?.bytes ?? [])
        input.append(entry.name.bytes)
        input.append(count: entry.fields.count)
        for field in entry.fields.keys.sorted() {
            let values = field.isOrdered ? entry[field] : entry[field].sorted()
            input.append(Array(field.rawValue.utf8))
            input.append(count: values.count)
            for value in values { input.append(value.bytes) }
        }
        input.append(count: entry.members.count)
        for member in entry.members.sorted() {
            input.append(member.organization.uuid.bytes)
            input.append(member.uuid.bytes)
        }
        self.bytes = Array(SHA256.hash(data: input.bytes))
    }
}

extension Entry {
    public var digest: EntryDigest { EntryDigest(self) }
}

private struct DigestInput {
    private(set) var bytes: [UInt8] = []

    mutating func append(count: Int) {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ part: [UInt8]) {
        append(count: part.count)
        bytes.append(contentsOf: part)
    }
}
