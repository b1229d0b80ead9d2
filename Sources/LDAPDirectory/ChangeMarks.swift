import Foundation
import LDAPClient

/// Up to which change a scan has seen those of each server: the greatest stamp of each. Only the servers' own stamps are
/// compared with each other, never our clock with theirs.
struct ChangeMarks: Codable, Equatable, Sendable {
    /// The greatest stamp, as text, by the server's ID; `timestampsID` has times of change that name no server.
    private var newest: [Int: String] = [:]

    private static let timestampsID = -1

    /// The operational attributes that a scan needs of each entry.
    static let attributes = ["entryCSN", "modifyTimestamp"]

    /// Writes that run side by side may become visible in another order than that of their stamps, and a time of change
    /// has a resolution of a second. So what is that much older than the newest is looked at again.
    private static let overlapSeconds: TimeInterval = 600

    /// The entry's stamp and the server that made it; nil if it shows none.
    private static func stamp(_ entry: LDAPEntry) -> (serverID: Int, text: String)? {
        if let stamp = entry.text("entryCSN").flatMap({ ChangeStamp($0) }) { return (stamp.serverID, stamp.text) }
        return entry.text("modifyTimestamp").map { (timestampsID, $0) }
    }

    /// Takes note of an entry.
    mutating func insert(_ entry: LDAPEntry) {
        guard let stamp = Self.stamp(entry) else { return }
        newest[stamp.serverID] = max(newest[stamp.serverID] ?? "", stamp.text)
    }

    /// Whether some have gone back behind earlier ones, and none has gone on. The entries that had changed last are gone; or
    /// the server was set back to an earlier state, in which entries that have gone back with it have old stamps.
    func areSetBack(behind earlier: ChangeMarks) -> Bool {
        let hasGoneOn = newest.contains { serverID, stamp in earlier.newest[serverID].map { stamp > $0 } ?? true }
        return !hasGoneOn && newest != earlier.newest
    }

    /// The stamps from which on entries have to be looked at.
    var thresholds: Thresholds { Thresholds(oldest: newest.mapValues { Self.earlier($0) }) }

    struct Thresholds: Sendable {
        fileprivate var oldest: [Int: String]

        /// Whether the entry may have changed since. One without a stamp may have.
        func mayHaveChanged(_ entry: LDAPEntry) -> Bool {
            guard let stamp = ChangeMarks.stamp(entry), let oldest = oldest[stamp.serverID] else { return true }
            return stamp.text >= oldest
        }
    }

    /// A stamp made earlier than this one by the overlap. Both kinds begin with a generalized time (RFC 4517, section
    /// 3.3.13) down to seconds; of another form, everything counts as later.
    private static func earlier(_ stamp: String) -> String {
        let digits = stamp.prefix(14)
        guard digits.count == 14, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return "" }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        func number(_ start: Int, _ count: Int) -> Int? { Int(digits.dropFirst(start).prefix(count)) }
        let components = DateComponents(
            year: number(0, 4), month: number(4, 2), day: number(6, 2), hour: number(8, 2), minute: number(10, 2),
            second: number(12, 2))
        guard let date = calendar.date(from: components) else { return "" }
        let parts = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second], from: date - overlapSeconds)
        func text(_ number: Int?, _ count: Int) -> String {
            let text = String(number ?? 0)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return text(parts.year, 4)
            + [parts.month, parts.day, parts.hour, parts.minute, parts.second].map { text($0, 2) }.joined()
    }
}
