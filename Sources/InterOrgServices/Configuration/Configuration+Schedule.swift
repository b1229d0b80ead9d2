extension Configuration {
    /// When synchronizations start.
    public enum Schedule: Sendable, Equatable {
        /// At a fixed distance, from one second to 366 days.
        case every(Duration)
        /// Every day at these times, ascending and each only once; at least one.
        case at([TimeOfDay])
        /// As soon as something changes in the directory, and once a minute for what others have.
        case continuous
    }

    /// A time of day in the time zone of the machine.
    public struct TimeOfDay: Sendable, Equatable, Comparable, CustomStringConvertible {
        /// 0 to 23.
        public let hour: Int
        /// 0 to 59.
        public let minute: Int

        /// The time as the file writes it: `02:00`.
        public var description: String {
            "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        }

        /// Orders times from midnight on.
        public static func < (left: TimeOfDay, right: TimeOfDay) -> Bool {
            (left.hour, left.minute) < (right.hour, right.minute)
        }
    }

    /// The limits above which deletions from one organization within 24 hours are held.
    public struct GuardLimits: Sendable, Equatable {
        /// The greatest number of deletions that needs no consent; default 500.
        public let count: Int
        /// The greatest share of an organization's entries that needs no consent, in percent; default 20.
        public let percent: Int

        /// The limits of a file that has no `guard`.
        public static let standard = GuardLimits(count: 500, percent: 20)
    }

    /// The greatest size of one encoded mail where the file gives none: 8 MB.
    public static let messageBytesMaxStandard = 8_000_000
}
