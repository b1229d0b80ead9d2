extension LDAPConnection {
    /// Starts a search (RFC 4511, section 4.5); what it returns is read by iterating the result.
    ///
    /// The results are read as fast as the consumer takes them: when some hundred are waiting, the connection's
    /// thread stops reading. Only while other operations are in flight on the same connection it has to read on,
    /// since their answers come behind; a search of many entries therefore has a connection of its own.
    ///
    /// - Parameters:
    ///   - base: The DN to start at; empty for the root.
    ///   - filter: A filter in the form of RFC 4515; see ``LDAPFilter/escape(_:)-([UInt8])``.
    ///   - attributes: The attributes to return; empty for all user attributes, `*`, `+` and `1.1` as in RFC 4511.
    ///   - sizeLimit: The most entries to return; 0 leaves it to the server.
    ///   - timeLimit: The longest time for the server to search, rounded up to seconds; nil leaves it to the server.
    ///   - isPersistent: Whether the search waits for changes, as refreshAndPersist does: silence is then no timeout.
    public func search(
        base: String,
        scope: LDAPScope = .subtree,
        filter: String = "(objectClass=*)",
        attributes: [String] = [],
        controls: [LDAPControl] = [],
        sizeLimit: Int = 0,
        timeLimit: Duration? = nil,
        isPersistent: Bool = false
    ) -> LDAPSearch {
        let request = SearchRequest(
            base: base,
            scope: scope,
            filter: filter,
            attributes: attributes,
            sizeLimit: Int32(clamping: max(0, sizeLimit)),
            timeLimitSeconds: timeLimit.map { max(1, $0.secondsRoundedUp) } ?? 0,
            isPersistent: isPersistent
        )
        return start(request, controls: controls)
    }

    /// Searches and collects the entries; references are left out. For answers that fit into memory.
    ///
    /// Throws the ``LDAPError`` of a result that is no success, `sizeLimitExceeded` among them.
    public func entries(
        base: String,
        scope: LDAPScope = .subtree,
        filter: String = "(objectClass=*)",
        attributes: [String] = [],
        controls: [LDAPControl] = [],
        sizeLimit: Int = 0,
        timeLimit: Duration? = nil
    ) async throws -> [LDAPEntry] {
        let search = search(
            base: base, scope: scope, filter: filter, attributes: attributes, controls: controls,
            sizeLimit: sizeLimit, timeLimit: timeLimit)
        var entries: [LDAPEntry] = []
        for try await event in search {
            if case .entry(let entry) = event { entries.append(entry) }
        }
        return entries
    }

    /// The entry of that DN; nil when there is none.
    public func entry(
        dn: String, attributes: [String] = [], controls: [LDAPControl] = []
    ) async throws -> LDAPEntry? {
        do {
            return try await entries(base: dn, scope: .base, attributes: attributes, controls: controls).first
        } catch LDAPResultCode.noSuchObject {
            return nil
        }
    }
}

extension Duration {
    /// Whole seconds, not less than the duration.
    var secondsRoundedUp: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds) + (attoseconds > 0 ? 1 : 0)
    }

    /// The same time as C's `struct timeval` has it: seconds and microseconds.
    var secondsAndMicroseconds: (seconds: Int, microseconds: Int) {
        let (seconds, attoseconds) = components
        return (Int(clamping: seconds), Int(attoseconds / 1_000_000_000_000))
    }
}
