/// Waits until the condition holds, looking again and again. Throws after `limit`, which only stops a test that would
/// otherwise never end.
public func waitUntil(
    _ what: String, limit: Duration = .seconds(240), isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    var pause = Duration.milliseconds(5)
    while try await !condition() {
        guard clock.now < end else { throw TestSupportError("waited \(limit) in vain until \(what)") }
        try await clock.sleep(for: pause)
        // To look takes time that what is waited for could use.
        pause = min(pause * 2, .milliseconds(320))
    }
}
