import Foundation

/// Dates as mail writes them (RFC 5322, section 3.3).
enum RFC5322Date {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    /// For example `Sat, 21 Nov 2026 02:05:07 +0000`.
    static func text(_ date: Date) -> String {
        let parts = calendar.dateComponents([.weekday, .day, .month, .year, .hour, .minute, .second], from: date)
        func padded(_ number: Int?) -> String {
            let digits = String(number ?? 0)
            return digits.count < 2 ? "0" + digits : digits
        }
        let weekday = weekdays[(parts.weekday ?? 1) - 1]
        let month = months[(parts.month ?? 1) - 1]
        let time = "\(padded(parts.hour)):\(padded(parts.minute)):\(padded(parts.second))"
        return "\(weekday), \(padded(parts.day)) \(month) \(parts.year ?? 0) \(time) +0000"
    }

    /// Nil if `text` is not a date with a numeric zone, or with one of the names for UTC.
    static func date(_ text: String) -> Date? {
        var tokens = text.split(whereSeparator: { $0 == " " || $0 == "," })
        if let first = tokens.first, weekdays.contains(String(first)) { tokens.removeFirst() }
        guard tokens.count >= 5, let day = Int(tokens[0]), let year = Int(tokens[2]), year >= 1900,
            let month = months.firstIndex(of: String(tokens[1])), let zoneSeconds = zoneSeconds(tokens[4])
        else { return nil }
        let time = tokens[3].split(separator: ":").map { Int($0) }
        guard (2...3).contains(time.count), let hour = time[0], let minute = time[1] else { return nil }
        let parts = DateComponents(
            year: year, month: month + 1, day: day, hour: hour, minute: minute, second: time.count == 3 ? time[2] : 0
        )
        guard (1...31).contains(day), (0...23).contains(hour), (0...59).contains(minute) else { return nil }
        return calendar.date(from: parts)?.addingTimeInterval(-TimeInterval(zoneSeconds))
    }

    private static func zoneSeconds(_ zone: Substring) -> Int? {
        if ["GMT", "UT", "UTC", "Z"].contains(zone) { return 0 }
        guard zone.count == 5, let sign = zone.first, sign == "+" || sign == "-", let digits = Int(zone.dropFirst())
        else {
            return nil
        }
        let seconds = (digits / 100) * 3600 + (digits % 100) * 60
        return sign == "-" ? -seconds : seconds
    }
}
