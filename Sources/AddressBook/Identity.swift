import Crypto
import Foundation

/// Who owns an entry. It never changes; the organization's name is only its label.
public struct OrganizationID: Hashable, Sendable {
    public let uuid: UUID

    public init(_ uuid: UUID) {
        self.uuid = uuid
    }

    /// The ID of an organization that states none of its own: the version 5 UUID (RFC 9562, section 5.5) of its name,
    /// in Unicode normalization form C so that a name typed on two systems gives one ID.
    public init(derivedFromName name: String) {
        var hash = Insecure.SHA1()
        withUnsafeBytes(of: Self.namespace.uuid) { hash.update(data: $0) }
        hash.update(data: Data(name.precomposedStringWithCanonicalMapping.utf8))
        var bytes = Array(hash.finalize().prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        self.uuid = UUID(bytes: bytes) ?? Self.namespace
    }

    private static let namespace = UUID(
        uuid: (0x7F, 0x1C, 0x5F, 0x0E, 0x6C, 0x55, 0x5A, 0x54, 0x9C, 0x39, 0x6B, 0x6F, 0x0F, 0x7A, 0x8F, 0x3D))
}

/// An entry's identity for ever: the organization that owns it and the entryUUID (RFC 4530) that its home directory
/// gave it. A DN is a placement, never an identity.
public struct EntryID: Hashable, Sendable {
    public var organization: OrganizationID
    public var uuid: UUID

    public init(organization: OrganizationID, uuid: UUID) {
        self.organization = organization
        self.uuid = uuid
    }
}

extension EntryID {
    /// The UUID alone tells most entries apart.
    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes(of: uuid.uuid) { bytes in
            hasher.combine(bytes.loadUnaligned(as: UInt64.self))
            hasher.combine(bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }
}

extension EntryID: Comparable {
    public static func < (left: EntryID, right: EntryID) -> Bool {
        left.organization == right.organization
            ? left.uuid.precedes(right.uuid) : left.organization.uuid.precedes(right.organization.uuid)
    }
}

extension OrganizationID: CustomStringConvertible {
    public var description: String { uuid.text }
}

extension EntryID: CustomStringConvertible {
    public var description: String { "\(organization)/\(uuid.text)" }
}

extension OrganizationID: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(UUID.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(uuid.text)
    }
}

extension UUID {
    /// The lower-case text of RFC 9562, section 4, as OpenLDAP writes it.
    public var text: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var count = 0
            withUnsafeBytes(of: uuid) { bytes in
                for (index, byte) in bytes.enumerated() {
                    if [4, 6, 8, 10].contains(index) {
                        text[count] = UInt8(ascii: "-")
                        count += 1
                    }
                    text[count] = (byte >> 4).hexadecimalDigit
                    text[count + 1] = (byte & 15).hexadecimalDigit
                    count += 2
                }
            }
            return count
        }
    }

    /// The 16 bytes, most significant first.
    public var bytes: [UInt8] { withUnsafeBytes(of: uuid) { Array($0) } }

    /// Whether its bytes come first.
    fileprivate func precedes(_ other: UUID) -> Bool {
        withUnsafeBytes(of: uuid) { mine in
            withUnsafeBytes(of: other.uuid) { mine.lexicographicallyPrecedes($0) }
        }
    }

    /// Nil unless there are exactly 16 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        let uuid = bytes.withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) }
        self.init(uuid: uuid)
    }
}

extension UInt8 {
    /// The lower-case digit of a number below 16.
    fileprivate var hexadecimalDigit: UInt8 { self + (self < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) }
}
