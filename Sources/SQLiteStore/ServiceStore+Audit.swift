extension ServiceStore {
    /// Sums up anew what the log and the synchronizations have of each organization: what is not in the database any more
    /// is found by the comparison with the other side. Reads everything.
    public func auditSums() async throws {
        try await write { db in try OrganizationSums.rebuildAll(in: db) }
    }
}
