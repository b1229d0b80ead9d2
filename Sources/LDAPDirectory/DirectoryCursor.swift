import Foundation
import IncrementalSync

/// How a server tells what has changed.
public enum ChangeMethod: String, Codable, Sendable {
    /// It keeps track itself (RFC 4533).
    case contentSync
    /// All entries are listed, with the stamps of their last change.
    case scan
}

/// Which of them is used.
public enum ChangeDetection: String, Sendable, CaseIterable {
    /// Content synchronization where the server has it, else the scan.
    case auto
    case contentSync
    case scan
}

/// How far a directory has been read, for one stream of one base.
struct DirectoryCursor: Codable, Equatable {
    /// A position of one kind means nothing to the other.
    enum Position: Codable, Equatable {
        case contentSync(cookie: Data)
        case scan(ChangeMarks)

        var method: ChangeMethod {
            switch self {
            case .contentSync: .contentSync
            case .scan: .scan
            }
        }
    }

    /// What the position belongs to: it means something only to the server that gave it, for the search that it was
    /// given for. With another filter slapd answers "nothing new".
    var search: [String]
    /// Nil: the server has given nothing to go on from.
    var position: Position?
    /// The entryUUID of the base: another one says that the directory has been loaded anew.
    var baseUUID: UUID?
    /// When everything was last read and compared.
    var auditedAt: Date?
    /// The number of the newest container whose contents have been read.
    var container: Int64 = 0

    init(
        search: [String], position: Position?, baseUUID: UUID?, auditedAt: Date?, container: Int64
    ) {
        self.search = search
        self.position = position
        self.baseUUID = baseUUID
        self.auditedAt = auditedAt
        self.container = container
    }

    /// Nil if it is none of a directory.
    init?(_ cursor: Cursor) {
        guard let known = try? JSONDecoder().decode(Self.self, from: Data(cursor.bytes)) else { return nil }
        self = known
    }

    var cursor: Cursor {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return Cursor(bytes: Array(try encoder.encode(self)))
        }
    }
}

/// What a directory's cursor tells a person.
public struct ReadingStatus: Hashable, Sendable {
    /// How changes are found; nil while the server has given nothing to go on from.
    public var method: ChangeMethod?
    /// When everything was last read and compared.
    public var auditedAt: Date?

    /// Nil if the cursor is none of a directory.
    public init?(_ cursor: Cursor) {
        guard let known = DirectoryCursor(cursor) else { return nil }
        method = known.position?.method
        auditedAt = known.auditedAt
    }
}

/// When everything is read and compared, whatever the server says has changed: content synchronization cannot see all
/// that a directory does (access rules, restored databases).
public struct AuditSchedule: Sendable {
    var seconds: TimeInterval
    var notBefore: Date?
    var now: @Sendable () -> Date

    /// - Parameters:
    ///   - every: how old the last audit may be.
    ///   - notBefore: an audit before this moment does not count, however young it is.
    public init(every: Duration, notBefore: Date? = nil, now: @escaping @Sendable () -> Date) {
        self.seconds = TimeInterval(every.components.seconds)
        self.notBefore = notBefore
        self.now = now
    }

    func isDue(after last: Date?) -> Bool {
        guard let last, last >= notBefore ?? .distantPast else { return true }
        let age = now().timeIntervalSince(last)
        // A clock that has gone back says nothing about the age.
        return age >= seconds || age < 0
    }
}
