import AddressBook
import Foundation

/// An entry as a directory holds it: raw attributes under lower-case names.
public struct DirectoryEntry: Sendable {
    public var dn: String
    public var uuid: UUID?
    /// An entry has a few dozen at most: going through them takes less time than hashing their names.
    private var attributes: [(name: String, values: [Value])] = []

    public init(dn: String, uuid: UUID?, attributes: [(name: String, values: [Value])]) {
        self.dn = dn
        self.uuid = uuid
        self.attributes.reserveCapacity(attributes.count)
        for attribute in attributes {
            let name = attribute.name.lowercased()
            if let index = self.attributes.firstIndex(where: { $0.name == name }) {
                self.attributes[index].values += attribute.values
            } else {
                self.attributes.append((name, attribute.values))
            }
        }
    }

    /// The values of an attribute, whatever the case of its name; empty if it is absent.
    public subscript(name: String) -> [Value] {
        get { values(lowercased: name.lowercased()) }
        set {
            let name = name.lowercased()
            guard let index = attributes.firstIndex(where: { $0.name == name }) else {
                if !newValue.isEmpty { attributes.append((name, newValue)) }
                return
            }
            if newValue.isEmpty { attributes.remove(at: index) } else { attributes[index].values = newValue }
        }
    }

    /// The names of the attributes that it has, in lower case and in order.
    public var attributeNames: [String] { attributes.map(\.name).sorted() }

    /// The values of an attribute whose name is in lower case already.
    func values(lowercased name: String) -> [Value] { attributes.first { $0.name == name }?.values ?? [] }

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
