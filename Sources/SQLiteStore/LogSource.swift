import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol

/// A log as change source. Its cursor is the number of the last change that was read.
public struct LogSource: ChangeSource {
    let log: ChangeLog
    let stream: ChangeStream
    let view: View
    let through: Int64
    let refresh: RefreshID?

    static let batchSize = 500

    /// - Parameters:
    ///   - view: what the changes are for may see.
    ///   - through: where to stop; normally the log's highest number at the start.
    ///   - refresh: of a reading from the beginning, where what is missing from it is gone; nil where the other side sees to
    ///     that.
    public init(_ log: ChangeLog, _ stream: ChangeStream, view: View, through: Int64, refresh: RefreshID? = nil) {
        self.refresh = refresh
        self.log = log
        self.stream = stream
        self.view = view
        self.through = through
    }

    public func read(after cursor: Cursor?) async throws -> any ChangeReader {
        LogReader(source: self, after: cursor?.number ?? 0, refresh: cursor?.number == nil ? refresh : nil)
    }
}

extension Cursor {
    /// A cursor in a log.
    public init(number: Int64) {
        self.init(bytes: Array(String(number).utf8))
    }

    public var number: Int64? { Int64(String(decoding: bytes, as: UTF8.self)) }
}

private actor LogReader: ChangeReader {
    let source: LogSource
    var after: Int64
    var isAtEnd = false
    let refresh: RefreshID?

    init(source: LogSource, after: Int64, refresh: RefreshID?) {
        self.refresh = refresh
        self.source = source
        self.after = after
    }

    func next() async throws -> ChangeBatch? {
        guard !isAtEnd, after < source.through || refresh != nil else { return nil }
        let changes = try await source.log.changes(
            source.stream, after: after, through: source.through, view: source.view,
            limit: LogSource.batchSize)
        isAtEnd = changes.count < LogSource.batchSize
        after = isAtEnd ? source.through : changes.last?.number ?? source.through
        let observations = changes.map { Observation(.change($0.change), number: $0.number) }
        guard let refresh else {
            return ChangeBatch(
                observations: observations, cursor: Cursor(number: after), allowsReadingAhead: !isAtEnd)
        }
        // One that is interrupted begins anew: nothing of it is written twice.
        return ChangeBatch(
            observations: observations, cursor: isAtEnd ? Cursor(number: after) : nil, refresh: refresh,
            completesRefresh: isAtEnd, coversEverything: isAtEnd && source.stream == .contents,
            allowsReadingAhead: !isAtEnd)
    }
}
