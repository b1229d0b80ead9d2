import IncrementalSync
import SynchronizationTestSupport
import Testing

@Suite("The state in memory that other tests use")
struct InMemoryStateTests {
    @Test("keeps the promises of a synchronization state", arguments: StateConformance.all)
    func conforms(_ promise: StateConformance) async throws {
        try await promise.check(InMemorySynchronizationState())
    }
}
