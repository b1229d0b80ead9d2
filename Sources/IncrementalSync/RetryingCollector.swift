import AddressBook

/// A collector that offers a batch again when the connection was lost on the way. Imports are idempotent: what the
/// destination has got the first time is found there, and not written twice.
public struct RetryingCollector: Collector {
    private let collector: any Collector
    private let retry: Retry

    public init(_ collector: any Collector, _ retry: Retry) {
        self.collector = collector
        self.retry = retry
    }

    public func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        while true {
            do {
                let result = try await collector.importChanges(changes)
                retry.succeeded()
                return result
            } catch {
                try await retry.pause(after: error)
            }
        }
    }

    public func foresee(_ observations: [Observation]) async { await collector.foresee(observations) }

    public func forgetForeseen() async { await collector.forgetForeseen() }

    public func survey() async throws -> DestinationSurvey {
        while true {
            do {
                let survey = try await collector.survey()
                retry.succeeded()
                return survey
            } catch {
                try await retry.pause(after: error)
            }
        }
    }

    public func finish() async throws -> ImportResult { try await collector.finish() }
}
