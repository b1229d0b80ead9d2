/// Which failures have been said already: each is said once, when it begins, however often the same thing is tried.
struct FailureNotices {
    /// By what was being done.
    private var said: [String: Set<String>] = [:]
    private var underWay: [String: Set<String>] = [:]

    /// Something is being tried.
    mutating func begin(_ what: String) {
        underWay[what] = []
    }

    /// Whether a failure of it is to be said.
    ///
    /// - Parameter kind: the same for failures that are the same to a person.
    mutating func isNews(_ what: String, _ kind: String) -> Bool {
        let isNew = underWay[what, default: []].insert(kind).inserted
        return isNew && said[what]?.contains(kind) != true
    }

    /// The attempt is over. Returns whether what failed the last time works now.
    mutating func end(_ what: String) -> Bool {
        let before = said[what] ?? []
        let now = underWay.removeValue(forKey: what) ?? []
        said[what] = now
        return now.isEmpty && !before.isEmpty
    }
}
