import AddressBook
import Foundation

@testable import InterOrgProtocol

/// A UUID that tests can tell from others.
func uuid(_ number: UInt8) -> UUID {
    UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number))
}

/// The lives of a log that tests use: `first` gave 1 to 10, `second` goes on with 11.
enum Life {
    static let first = uuid(1)
    static let second = uuid(2)
    /// One that the log does not have: of a backup's other future.
    static let lost = uuid(9)

    static func line(highest: Int64) -> IncarnationLine {
        IncarnationLine(
            incarnations: [Incarnation(id: first, first: 1), Incarnation(id: second, first: 11)], highest: highest)
    }
}

enum Party {
    static let master = Organization(id: OrganizationID(uuid(0xA0)), name: "headquarters")
    static let branch = Organization(id: OrganizationID(uuid(0xB0)), name: "branch")
}

extension RequestID {
    static func number(_ number: Int64) -> RequestID {
        RequestID(number: number, nonce: uuid(UInt8(100 + number)))
    }
}

extension ExchangeHeader {
    static func made(
        _ kind: Kind, _ request: RequestID, part: Int = 1, isLast: Bool = true,
        have: PerStream<ReceivedPosition?> = PerStream(hierarchy: nil, contents: nil),
        line: IncarnationLine = Life.line(highest: 20),
        ranges: PerStream<ChangeRange?> = PerStream(hierarchy: nil, contents: nil), from: Organization? = nil
    ) -> ExchangeHeader {
        let sender = from ?? (kind == .request ? Party.branch : Party.master)
        return ExchangeHeader(
            kind: kind, from: sender, to: kind == .request ? Party.master.id : Party.branch.id, request: request,
            part: part, isLast: isLast, have: have, line: line, ranges: ranges, organizations: [sender])
    }
}

/// Both streams received up to a number of the second life.
func received(_ number: Int64) -> PerStream<ReceivedPosition?> {
    let position = ReceivedPosition(position: LogPosition(incarnation: Life.second, number: number))
    return PerStream(hierarchy: position, contents: position)
}
