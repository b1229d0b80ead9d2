import AddressBook
import Foundation
import Testing

@testable import InterOrgProtocol

@Suite("What a receiver does with a range")
struct RangeDecisionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let range: ChangeRange
        let position: ReceivedPosition?
        let hierarchy: ReceivedPosition?
        let expected: Expected

        init(
            _ description: String, _ range: ChangeRange, at position: ReceivedPosition?,
            hierarchy: ReceivedPosition? = nil, _ expected: Expected
        ) {
            self.testDescription = description
            self.range = range
            self.position = position
            self.hierarchy = hierarchy
            self.expected = expected
        }
    }

    /// A decision; why a range is parked is for people.
    enum Expected: Equatable {
        case drop, park, unrelated
        case importAbove(Int64, Generation?)

        init(_ decision: RangeDecision) {
            switch decision {
            case .drop: self = .drop
            case .park: self = .park
            case .unrelated: self = .unrelated
            case .importAbove(let number, let generation): self = .importAbove(number, generation)
            }
        }
    }

    @Test(
        "depends on how far it has received the sender's log",
        arguments: continuing + fullTransfers + endings + views + hierarchies)
    func decision(_ example: Case) {
        let decision = example.range.decision(
            line: Life.line(highest: 20), position: example.position, hierarchy: example.hierarchy)
        #expect(Expected(decision) == example.expected)
    }

    @Test("a parked range says what it waits for")
    func reason() {
        let range = ChangeRange(after: 15, through: 20)
        let decision = range.decision(line: Life.line(highest: 20), position: Self.at(12), hierarchy: nil)
        #expect(decision == .park(reason: "the changes from 13 to 15 have not come yet"))
    }

    static let continuing = [
        Case("one that continues is imported", range(12, 20), at: at(12), .importAbove(12, nil)),
        Case("one that overlaps is imported above", range(5, 20), at: at(12), .importAbove(12, nil)),
        Case("one that ends at the position is dropped", range(5, 12), at: at(12), .drop),
        Case("one that ends below it is dropped", range(5, 11), at: at(12), .drop),
        Case("one that starts beyond it is parked", range(13, 20), at: at(12), .park),
        Case("an empty one is dropped", range(12, 12), at: at(12), .drop),
        Case("a position of an earlier life counts", range(7, 20), at: at(7, Life.first), .importAbove(7, nil)),
        Case("one at first contact that is no full transfer is unrelated", range(0, 20), at: nil, .unrelated),
        Case("one of a restored backup is unrelated", range(5, 20), at: at(5, Life.lost), .unrelated),
        Case("one that is older than what was received is dropped", range(12, 20), at: at(21), .drop),
        Case("so is the full transfer that everything began with", range(0, 20, 1), at: at(21), .drop),
    ]

    static let fullTransfers = [
        Case("its start is imported at first contact", range(0, 9, 1), at: nil, .importAbove(0, transfer(1, 20))),
        Case(
            "its start is imported over a history of a restored backup", range(0, 9, 1), at: at(5, Life.lost),
            .importAbove(0, transfer(1, 20))),
        Case("its middle is parked before its start", range(9, 12, 1), at: nil, .park),
        Case("its middle is parked after a restored backup", range(9, 12, 1), at: at(5, Life.lost), .park),
        Case(
            "its next part is imported, and raises how far it has to go", range(9, 12, 1), at: at(9, transfer(1, 15)),
            .importAbove(9, transfer(1, 20))),
        Case(
            "a part that tells of less does not lower that", range(9, 12, 1), at: at(9, transfer(1, 30)),
            .importAbove(9, transfer(1, 30))),
        Case("a part of it that came before is dropped", range(0, 9, 1), at: at(9, transfer(1, 20)), .drop),
        Case("a later part is parked", range(12, 15, 1), at: at(9, transfer(1, 20)), .park),
        Case(
            "the start of another takes its place", range(0, 5, 2), at: at(9, transfer(1, 15)),
            .importAbove(0, transfer(2, 20))),
        Case("the middle of another is dropped", range(9, 12, 2), at: at(9, transfer(1, 20)), .drop),
        Case("an incremental range during one is dropped", range(9, 12), at: at(9, transfer(1, 20)), .drop),
        Case("a part of one that is over is a range like others", range(9, 15, 1), at: at(12), .importAbove(12, nil)),
        Case("a part of one that is over has nothing new", range(0, 12, 1), at: at(12), .drop),
    ]

    static let endings = [
        Case(
            "its end is imported", range(9, 20, 1, isEnd: true), at: at(9, transfer(1, 20)),
            .importAbove(9, transfer(1, 20))),
        Case(
            "an end without changes is imported too, for what it concludes", range(20, 20, 1, isEnd: true),
            at: at(20, transfer(1, 20)), .importAbove(20, transfer(1, 20))),
        Case("an end below the position is dropped", range(9, 12, 1, isEnd: true), at: at(15, transfer(1, 20)), .drop),
        Case("an end beyond it is parked", range(12, 20, 1, isEnd: true), at: at(9, transfer(1, 20)), .park),
        Case(
            "a transfer of one part is imported", range(0, 20, 1, isEnd: true), at: nil,
            .importAbove(0, transfer(1, 20))),
        Case("an end that was imported already is dropped", range(20, 20, 1, isEnd: true), at: at(20), .drop),
    ]

    /// The position is without a view, the range has one.
    static let views = [
        Case("another view goes on nowhere", range(12, 20, view: "v"), at: at(12), .unrelated),
        Case(
            "another view begins anew, however far the last one was received", range(0, 20, 2, view: "v"), at: at(20),
            .importAbove(0, transfer(2, 20))),
        Case("another view's beginning is waited for", range(5, 20, 2, view: "v"), at: at(20), .park),
    ]

    static let hierarchies = [
        Case(
            "contents are imported when the hierarchy has come", range(12, 20, needs: 15), at: at(12),
            hierarchy: at(15),
            .importAbove(12, nil)),
        Case(
            "contents are parked before it", range(12, 20, needs: 15), at: at(12), hierarchy: at(14), .park),
        Case("contents are parked without any", range(12, 20, needs: 15), at: at(12), hierarchy: nil, .park),
        Case(
            "contents are parked while the hierarchy is of another history", range(12, 20, needs: 3), at: at(12),
            hierarchy: at(5, Life.lost), .park),
        Case("old contents are dropped without it", range(5, 12, needs: 15), at: at(12), hierarchy: nil, .drop),
    ]

    private static func range(
        _ after: Int64, _ through: Int64, _ generation: UInt8? = nil, isEnd: Bool = false, needs: Int64? = nil,
        view: String? = nil
    ) -> ChangeRange {
        ChangeRange(
            after: after, through: through, generation: generation.map(uuid), needsHierarchy: needs,
            end: isEnd ? ChangeRange.End(SetSummary()) : nil, view: view)
    }

    private static func transfer(_ generation: UInt8, _ highest: Int64) -> Generation {
        Generation(id: uuid(generation), highest: highest)
    }

    private static func at(_ number: Int64, _ life: UUID = Life.second) -> ReceivedPosition {
        ReceivedPosition(position: LogPosition(incarnation: life, number: number))
    }

    private static func at(_ number: Int64, _ generation: Generation) -> ReceivedPosition {
        ReceivedPosition(position: LogPosition(incarnation: Life.second, number: number), generation: generation)
    }
}
