import AddressBook
import Crypto
import Foundation

/// A message in the form that travels: NDJSON. A header line, one line per change (hierarchy before contents), and a
/// trailer with count and digest.
public enum EncodedMessage {
    public static func encode(_ header: ExchangeHeader, lines: PerStream<[[UInt8]]>) throws -> [UInt8] {
        var header = header
        header.ranges.hierarchy?.count = lines.hierarchy.count
        header.ranges.contents?.count = lines.contents.count
        var bytes = Array(try MessageCoding.encoder().encode(header))
        let newline = UInt8(ascii: "\n")
        bytes.append(newline)
        for line in lines.hierarchy + lines.contents {
            bytes.append(contentsOf: line)
            bytes.append(newline)
        }
        let trailer = MessageTrailer(
            count: lines.hierarchy.count + lines.contents.count, digest: digest(of: bytes[...]))
        bytes.append(contentsOf: trailer.line)
        bytes.append(newline)
        return bytes
    }

    static func digest(of bytes: ArraySlice<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: SHA256.hash(data: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// A message that has arrived whole. Its changes are decoded when they are asked for.
public struct ReceivedMessage: Sendable {
    public var header: ExchangeHeader
    private let bytes: [UInt8]
    private let lines: [Range<Int>]
    /// Shorter than the two UUIDs of an entry ID no change can be.
    private static let changeBytesMin = 72
    private static let partsMax = 100_000

    /// Checks the digest and the counts before anything is believed.
    public init(_ bytes: [UInt8]) throws(MessageError) {
        let newline = UInt8(ascii: "\n")
        // Before memory is given to every line of what anybody may have sent.
        guard bytes.count(where: { $0 == newline }) <= bytes.count / Self.changeBytesMin + 2 else {
            throw .damaged("it has more lines than changes would need")
        }
        var lines = bytes.split(separator: newline, omittingEmptySubsequences: true).map(\.indices)
        guard lines.count >= 2, let first = lines.first, let last = lines.popLast() else {
            throw .truncated("it has no trailer")
        }
        lines.removeFirst()
        let decoder = JSONDecoder()
        guard let trailer = MessageTrailer(line: bytes[last]) else {
            throw .truncated("its last line is no trailer")
        }
        guard trailer.count == lines.count else {
            throw .truncated("it has \(lines.count) changes of \(trailer.count)")
        }
        guard trailer.digest == EncodedMessage.digest(of: bytes[..<last.lowerBound]) else {
            throw .damaged("its digest does not match its content")
        }
        guard let version = (try? JSON(parsing: bytes[first]))?["interorg"]?.integer else {
            throw .damaged("its first line is no header")
        }
        guard version == ExchangeHeader.version else { throw .unknownVersion(Int(version)) }
        do {
            self.header = try decoder.decode(ExchangeHeader.self, from: Data(bytes[first]))
        } catch {
            throw .damaged("its header cannot be read: \(Self.words(for: error))")
        }
        guard ([header.from] + header.organizations).allSatisfy({ OrganizationName.objection(to: $0.name) == nil })
        else {
            throw .damaged("it gives an organization a name that none may have")
        }
        // More than any service sends, and what a receiver would have to remember.
        guard header.line.incarnations.count <= IncarnationLine.sentMax, (1...Self.partsMax).contains(header.part)
        else {
            throw .damaged("it has more incarnations, or more parts, than a message can have")
        }
        let counts = [header.ranges.hierarchy, header.ranges.contents].compactMap { $0?.count }
        guard counts.allSatisfy({ $0 >= 0 && $0 <= lines.count }), counts.reduce(0, +) == lines.count else {
            throw .damaged("its ranges do not add up to its \(lines.count) changes")
        }
        self.bytes = bytes
        self.lines = lines
    }

    private static func words(for error: any Error) -> String {
        func path(_ context: DecodingError.Context, _ last: String? = nil) -> String {
            (context.codingPath.map(\.stringValue) + (last.map { [$0] } ?? [])).joined(separator: ".")
        }
        return switch error {
        case DecodingError.keyNotFound(let key, let context): "it has no \(path(context, key.stringValue))"
        case DecodingError.valueNotFound(_, let context): "\(path(context)) is null"
        case DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context):
            "\(path(context)) is not what it should be"
        default: "\(error)"
        }
    }

    /// How many changes of the stream there are.
    public func count(_ stream: ChangeStream) -> Int { header.ranges[stream]?.count ?? 0 }

    /// The changes of a stream, by their index in it.
    public func changes(_ stream: ChangeStream, _ indices: Range<Int>) throws -> [NumberedChange] {
        let offset = stream == .hierarchy ? 0 : count(.hierarchy)
        var changes: [NumberedChange] = []
        changes.reserveCapacity(indices.count)
        for index in indices {
            do {
                changes.append(try NumberedChange(line: bytes[lines[offset + index]]))
            } catch {
                throw MessageError.damaged("change \(index + 1) of the \(stream.rawValue) cannot be read: \(error)")
            }
        }
        return changes
    }
}
