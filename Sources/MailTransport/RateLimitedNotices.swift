/// Keeps notices that anybody can cause from filling the log: one for each subject in a while, and so many in all.
public struct RateLimitedNotices: Sendable {
    /// How long nothing more is said of a subject, in seconds.
    private let pauseSeconds: Double
    /// How many notices there are in that time, whatever they are about.
    private let noticesMax: Int
    private var last: [String: Double] = [:]
    private var suppressed: [String: Int] = [:]
    private var suppressedOthers = 0

    public init(pauseSeconds: Double = 300, noticesMax: Int = 20) {
        self.pauseSeconds = pauseSeconds
        self.noticesMax = noticesMax
    }

    /// Whether a notice is to be given now.
    ///
    /// - Parameters:
    ///   - subject: the same for notices that are the same to a person.
    ///   - now: seconds of a clock that only goes forward.
    /// - Returns: the end of the notice, empty or with the number of those that were not given since the last one; nil
    ///   if it is not to be given.
    public mutating func ending(of subject: String, now: Double) -> String? {
        for (other, time) in last where now - time >= pauseSeconds && other != subject {
            last[other] = nil
            suppressedOthers += suppressed.removeValue(forKey: other) ?? 0
        }
        if let time = last[subject], now - time < pauseSeconds {
            suppressed[subject, default: 0] += 1
            return nil
        }
        guard last[subject] != nil || last.count < noticesMax else {
            suppressedOthers += 1
            return nil
        }
        last[subject] = now
        let same = suppressed.removeValue(forKey: subject) ?? 0
        defer { suppressedOthers = 0 }
        var parts: [String] = []
        if same > 0 { parts.append("\(same) more like it") }
        if suppressedOthers > 0 { parts.append("\(suppressedOthers) others") }
        return parts.isEmpty ? "" : " (and \(parts.joined(separator: " and ")) since the last time)"
    }
}
