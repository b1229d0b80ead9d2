import AddressBook
import Crypto

/// Tells two entries apart that want one DN: ` ~` and eight hexadecimal digits, the same at every time and in every
/// directory.
public struct NameSuffix: Hashable, Sendable {
    private let text: String

    /// The digits are the first of the SHA-256 of the entry ID: entryUUIDs of one server have much in common.
    public init(of id: EntryID) {
        let digest = SHA256.hash(data: id.organization.uuid.bytes + id.uuid.bytes)
        text = " ~" + digest.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// A container is named by `ou`, everything else by `cn`, so that the suffix does not show up in a field that
    /// travels.
    public func name(after plain: PlacementTemplate.Name) -> PlacementTemplate.Name {
        PlacementTemplate.Name(
            attribute: plain.attribute.lowercased() == "ou" ? "ou" : "cn",
            value: Value(plain.value.bytes + Array(text.utf8)))
    }
}
