/// The operations that change or compare entries.
///
/// All throw an ``LDAPError`` when the server refuses, the time is over (`timeout`) or the connection is lost
/// (`serverDown`); and `CancellationError` when the task is cancelled, after which the operation is abandoned. In the
/// last three cases the server may have carried it out. Operations of one task follow each other; those of several
/// tasks are sent in the order of the calls, and the server may carry them out in any order.
extension LDAPConnection {
    /// Adds an entry (RFC 4511, section 4.7).
    @discardableResult
    public func add(
        dn: String, attributes: [LDAPAttribute], controls: [LDAPControl] = []
    ) async throws -> LDAPResult {
        try await perform(.add(dn: dn, attributes: attributes), controls: controls)
    }

    /// Changes an entry's attributes, all modifications or none (RFC 4511, section 4.6).
    @discardableResult
    public func modify(
        dn: String, _ modifications: [LDAPModification], controls: [LDAPControl] = []
    ) async throws -> LDAPResult {
        try await perform(.modify(dn: dn, modifications: modifications), controls: controls)
    }

    /// Gives an entry another RDN, another superior or both (RFC 4511, section 4.9). Without `newSuperior` it stays
    /// where it is; an empty one is the root.
    @discardableResult
    public func rename(
        dn: String, newRDN: String, deleteOldRDN: Bool, newSuperior: String? = nil, controls: [LDAPControl] = []
    ) async throws -> LDAPResult {
        let request = LDAPRequest.rename(
            dn: dn, newRDN: newRDN, deleteOldRDN: deleteOldRDN, newSuperior: newSuperior)
        return try await perform(request, controls: controls)
    }

    /// Deletes an entry that has none below it (RFC 4511, section 4.8).
    @discardableResult
    public func delete(dn: String, controls: [LDAPControl] = []) async throws -> LDAPResult {
        try await perform(.delete(dn: dn), controls: controls)
    }

    /// Asks whether an entry has a value (RFC 4511, section 4.10). The result's code is `compareTrue` or
    /// `compareFalse`.
    public func compare(
        dn: String, attribute: String, value: [UInt8], controls: [LDAPControl] = []
    ) async throws -> LDAPResult {
        try await perform(.compare(dn: dn, attribute: attribute, value: value), controls: controls)
    }

    /// Performs an extended operation (RFC 4511, section 4.12). The answer is in the result's `responseOID` and
    /// `responseValue`. StartTLS is for ``LDAPConnectionOptions/startTLS`` alone.
    public func extended(
        oid: String, value: [UInt8]? = nil, controls: [LDAPControl] = []
    ) async throws -> LDAPResult {
        try await perform(.extended(oid: oid, value: value), controls: controls)
    }
}
