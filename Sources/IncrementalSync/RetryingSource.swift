/// A source whose readings survive a lost connection: they go on after the last cursor that they have given.
public struct RetryingSource: ChangeSource {
    private let source: any ChangeSource
    private let retry: Retry

    public init(_ source: any ChangeSource, _ retry: Retry) {
        self.source = source
        self.retry = retry
    }

    /// Nothing is read, and so nothing can fail, before the first batch is asked for.
    public func read(after cursor: Cursor?) async throws -> any ChangeReader {
        Reader(source: source, retry: retry, cursor: cursor)
    }

    private actor Reader: ChangeReader {
        private let source: any ChangeSource
        private let retry: Retry
        /// A batch is asked for when everything before it has been committed: what is after this cursor is all that
        /// is left to read. A refresh without a cursor yet is read again from where it began.
        private var cursor: Cursor?
        private var reader: (any ChangeReader)?

        init(source: any ChangeSource, retry: Retry, cursor: Cursor?) {
            self.source = source
            self.retry = retry
            self.cursor = cursor
        }

        func next() async throws -> ChangeBatch? {
            while true {
                do {
                    let batch = try await openReader().next()
                    // A batch without a cursor is no progress: if the connection breaks, it has to be read once more.
                    // A server that breaks every reading in the middle must not be read for ever.
                    if batch == nil || batch?.cursor != nil { retry.succeeded() }
                    cursor = batch?.cursor ?? cursor
                    return batch
                } catch {
                    reader = nil
                    try await retry.pause(after: error)
                }
            }
        }

        private func openReader() async throws -> any ChangeReader {
            if let reader { return reader }
            let opened = try await source.read(after: cursor)
            reader = opened
            return opened
        }
    }
}
