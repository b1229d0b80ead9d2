import AddressBook
import Foundation

/// An entry as a directory holds it: raw attributes under lower-case names.
public struct DirectoryEntry: Sendable {
    public var dn: String
    public var uuid: UUID?
    private var attributes: [String: [Value]]

    public init(dn: String, uuid: UUID?, attributes: [(name: String, values: [Value])]) {
        self.dn = dn
        self.uuid = uuid
        self.attributes = Dictionary(
            attributes.map { ($0.name.lowercased(), $0.values) }, uniquingKeysWith: { $0 + $1 })
    }

    /// The values of an attribute, whatever the case of its name; empty if it is absent.
    public subscript(name: String) -> [Value] { attributes[name.lowercased()] ?? [] }

    public func isOf(objectClass: String) -> Bool {
        self["objectClass"].contains { $0.text?.lowercased() == objectClass.lowercased() }
    }
}
