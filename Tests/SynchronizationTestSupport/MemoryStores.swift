import AddressBook
import Foundation
import IncrementalSync
import Synchronization

/// A source that says what it was told to say, batch by batch. Its cursor is the number of the batch to go on with.
public struct ListedSource: ChangeSource {
    private let batches: [ChangeBatch]
    private let failure: (any Error)?

    /// - Parameters:
    ///   - batches: what to say; a batch outside a refresh, and one that completes it, gets its cursor here.
    ///   - failure: how the reading ends; nil means well.
    public init(_ batches: [ChangeBatch], failure: (any Error)? = nil) {
        self.batches = batches.enumerated().map { index, batch in
            var batch = batch
            if batch.refresh == nil || batch.completesRefresh { batch.cursor = .batch(index + 1) }
            return batch
        }
        self.failure = failure
    }

    public func read(after cursor: Cursor?) -> any ChangeReader {
        let first = cursor.flatMap { Int(String(decoding: $0.bytes, as: UTF8.self)) } ?? 0
        return ListReader(rest: batches.dropFirst(first), failure: failure)
    }
}

extension Cursor {
    /// The cursor of a `ListedSource` that so many batches have been read from.
    public static func batch(_ number: Int) -> Cursor { Cursor(bytes: Array(String(number).utf8)) }
}

private actor ListReader: ChangeReader {
    private var rest: ArraySlice<ChangeBatch>
    private let failure: (any Error)?

    init(rest: ArraySlice<ChangeBatch>, failure: (any Error)?) {
        self.rest = rest
        self.failure = failure
    }

    func next() throws -> ChangeBatch? {
        if let batch = rest.popFirst() { return batch }
        if let failure { throw failure }
        return nil
    }
}

/// A collector that keeps entries in memory, and has some outcomes dictated.
public actor MemoryCollector: Collector {
    /// What the store has.
    public private(set) var entries: [EntryID: Entry] = [:]
    /// What it was asked to import, call by call.
    public private(set) var offered: [[OfferedChange]] = []
    private var dictated: [EntryID: Outcome] = [:]

    public init() {}

    /// Answers with this outcome for the entry from now on, and does nothing; nil ends that.
    public func dictate(_ outcome: Outcome?, for id: EntryID) { dictated[id] = outcome }

    public func forgetOffers() { offered = [] }

    public func importChanges(_ changes: [OfferedChange]) -> ImportResult {
        offered.append(changes)
        return ImportResult(outcomes: changes.map { importChange($0.change) })
    }

    private func importChange(_ change: Change) -> Outcome {
        if let outcome = dictated[change.id] { return outcome }
        guard entries[change.id] != change.entry else { return .unchanged(nil) }
        entries[change.id] = change.entry
        return .imported(nil)
    }
}

/// A clock that stands still until it is moved.
public final class ManualClock: Sendable {
    private let date: Mutex<Date>

    public init(_ date: Date = Sample.now) {
        self.date = Mutex(date)
    }

    public var now: Date { date.withLock { $0 } }

    public func advance(seconds: TimeInterval) { date.withLock { $0 += seconds } }
}
