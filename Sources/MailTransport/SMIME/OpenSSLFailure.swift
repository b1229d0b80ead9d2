import COpenSSL

/// What OpenSSL says about the call that failed last in this thread.
enum OpenSSLFailure {
    /// Its reasons, the first cause first, and the thread's error queue is empty; "OpenSSL gives no reason" if it is.
    static func take() -> String {
        var reasons: [String] = []
        while case let code = ERR_get_error(), code != 0 {
            guard let reason = ERR_reason_error_string(code).map({ String(cString: $0) }) else { continue }
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons.isEmpty ? "OpenSSL gives no reason" : reasons.joined(separator: ", ")
    }

    /// Forgets what earlier calls have left, so that it is not taken for the reason of a later failure.
    static func clear() {
        ERR_clear_error()
    }
}
