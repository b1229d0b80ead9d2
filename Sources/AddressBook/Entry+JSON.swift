import Foundation

/// What a JSON text lacks to be what it should be.
public struct JSONContentError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The form in which entries travel and are stored. What is absent in an entry is absent in it; fields of newer
/// versions are kept.
extension Entry {
    public var json: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    public func write(to writer: inout JSONWriter) {
        writer.object { writer in
            if !fields.isEmpty {
                writer.key("fields")
                writer.object { writer in
                    for (field, values) in fields.sorted(by: { $0.key < $1.key }) {
                        writer.key(field.rawValue)
                        writer.array(values) { $0.value($1) }
                    }
                }
            }
            writer.key("id")
            id.write(to: &writer)
            writer.key("kind")
            writer.string(kind.rawValue)
            if !members.isEmpty {
                writer.key("members")
                writer.array(members) { $1.write(to: &$0) }
            }
            writer.key("name")
            writer.value(name)
            if let parent {
                writer.key("parent")
                writer.uuid(parent)
            }
        }
    }

    public init(_ json: JSON) throws {
        guard let id = json["id"] else { throw JSONContentError("an entry has no id") }
        guard let kind = json["kind"]?.text.map(Kind.init(rawValue:)) else {
            throw JSONContentError("an entry has no kind")
        }
        guard let name = json["name"] else { throw JSONContentError("an entry has no name") }
        var fields: [Field: [Value]] = [:]
        if let found = json["fields"] {
            guard case .object(let members) = found else {
                throw JSONContentError("the fields of an entry are not an object")
            }
            fields.reserveCapacity(members.count)
            for (field, values) in members {
                guard let values = values.elements else {
                    throw JSONContentError("the values of \(field) are not an array")
                }
                fields[Field(rawValue: field)] = try values.map { try Value($0) }
            }
        }
        if let members = json["members"], members.elements == nil {
            throw JSONContentError("the members of a group are not an array")
        }
        self.init(
            id: try EntryID(id), kind: kind, parent: try json["parent"].map { try UUID($0) }, name: try Value(name),
            fields: fields, members: try (json["members"]?.elements ?? []).map { try EntryID($0) })
    }
}

extension EntryID {
    public func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("organization")
            writer.uuid(organization.uuid)
            writer.key("uuid")
            writer.uuid(uuid)
        }
    }

    public init(_ json: JSON) throws {
        guard let organization = json["organization"], let uuid = json["uuid"] else {
            throw JSONContentError("an entry ID needs organization and uuid")
        }
        self.init(organization: OrganizationID(try UUID(organization)), uuid: try UUID(uuid))
    }
}

extension Value {
    init(_ json: JSON) throws {
        if case .string(let bytes) = json {
            self.init(bytes)
        } else if let data = json["base64"]?.text.flatMap({ Data(base64Encoded: $0) }) {
            self.init(Array(data))
        } else {
            throw JSONContentError("a value is neither a string nor base64")
        }
    }
}

extension UUID {
    /// From the text form of RFC 9562, in any case.
    init(_ json: JSON) throws {
        guard case .string(let text) = json, let uuid = UUID(text: text) else {
            throw JSONContentError("a UUID is malformed")
        }
        self = uuid
    }

    /// 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    private init?(text: [UInt8]) {
        guard text.count == 36 else { return nil }
        var uuid: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let isWellFormed = withUnsafeMutableBytes(of: &uuid) { bytes in
            var offset = 0
            for index in bytes.indices {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    guard text[offset] == UInt8(ascii: "-") else { return false }
                    offset += 1
                }
                guard let high = Self.digit(text[offset]), let low = Self.digit(text[offset + 1]) else { return false }
                bytes[index] = high << 4 | low
                offset += 2
            }
            return true
        }
        guard isWellFormed else { return nil }
        self.init(uuid: uuid)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
