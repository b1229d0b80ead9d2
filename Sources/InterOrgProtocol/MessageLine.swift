import AddressBook
import Foundation

/// One change in a message: a line of JSON.
public struct NumberedChange: Hashable, Sendable {
    /// Its number in the sender's log.
    public var number: Int64
    public var change: Change

    public init(number: Int64, change: Change) {
        self.number = number
        self.change = change
    }
}

extension NumberedChange {
    /// The line, without the line feed.
    public var line: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("number")
            writer.number(number)
            switch change {
            case .upsert(let entry):
                writer.key("upsert")
                entry.write(to: &writer)
            case .delete(let id):
                writer.key("delete")
                id.write(to: &writer)
            }
        }
        return writer.bytes
    }

    public init(line: some Collection<UInt8>) throws {
        let json = try JSON(parsing: line)
        guard let number = json["number"]?.integer, number > 0 else {
            throw MessageError.damaged("a change has no number")
        }
        if let entry = json["upsert"] {
            self.init(number: number, change: .upsert(try Entry(entry)))
        } else if let id = json["delete"] {
            self.init(number: number, change: .delete(try EntryID(id)))
        } else {
            throw MessageError.damaged("change \(number) is neither upsert nor delete")
        }
    }
}

/// The last line: how many changes there are, and the SHA-256 of every byte before it, in hexadecimal digits.
struct MessageTrailer {
    var count: Int
    var digest: String
}

extension MessageTrailer {
    /// The line, without the line feed.
    var line: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("count")
            writer.number(Int64(count))
            writer.key("digest")
            writer.string(digest)
        }
        return writer.bytes
    }

    /// Nil if it is none.
    init?(line: ArraySlice<UInt8>) {
        guard let json = try? JSON(parsing: line), let count = json["count"]?.integer, let digest = json["digest"]?.text
        else { return nil }
        self.init(count: Int(count), digest: digest)
    }
}

enum MessageCoding {
    static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
