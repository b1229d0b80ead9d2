/// Runs the two pairs of collector and synchronizer between two stores (R8, R12): the hierarchy first, so that a parent
/// exists before its child, then the contents.
public struct Agent: Sendable {
    let hierarchy: Synchronizer
    let contents: Synchronizer

    public init(hierarchy: Synchronizer, contents: Synchronizer) {
        self.hierarchy = hierarchy
        self.contents = contents
    }

    public func synchronize() async throws -> SynchronizationReport {
        let containers = try await hierarchy.synchronize()
        let entries = try await contents.synchronize()
        // A container can only be deleted once its entries are gone or have moved.
        return containers + entries + (try await hierarchy.retryProblems())
    }
}
