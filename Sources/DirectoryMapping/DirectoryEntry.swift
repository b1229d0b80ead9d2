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
    public subscript(name: String) -> [Value] {
        get { attributes[name.lowercased()] ?? [] }
        set { attributes[name.lowercased()] = newValue.isEmpty ? nil : newValue }
    }

    /// The names of the attributes that it has, in lower case and in order.
    public var attributeNames: [String] { attributes.keys.sorted() }

    /// The values of an attribute whose name is in lower case already.
    func values(lowercased name: String) -> [Value] { attributes[name] ?? [] }

    public func isOf(objectClass: String) -> Bool {
        let name = objectClass.utf8
        return values(lowercased: "objectclass").contains { value in
            value.bytes.count == name.count
                && zip(value.bytes, name).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
        }
    }
}

extension UInt8 {
    /// The byte, with A to Z made a to z: the names of attributes and classes are ASCII (RFC 4512, section 1.4).
    var asciiLowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
