import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import SQLiteStore

/// How an exported part of the directory is read.
public struct DirectoryReading: Sendable, Codable, Equatable {
    /// The DN of its base.
    public var base: String
    /// How its changes are found: `contentSync` or `scan`; nil if it has not been read to its end yet.
    public var changes: String?
    /// When it was last read and compared as a whole.
    public var auditedAt: Date?

    /// The parts that have been read, by their states.
    static func all(in store: ServiceStore) async throws -> [DirectoryReading] {
        let prefix = Participant.exportPrefix
        var readings: [DirectoryReading] = []
        for name in try await StoredSynchronizationState.names(beginning: prefix, in: store).sorted() {
            let state = try await StoredSynchronizationState.open(name, .contents, in: store)
            guard let status = try await state.cursor().flatMap({ ReadingStatus($0) }) else { continue }
            let base = String(name.dropFirst(prefix.count))
            readings.append(
                DirectoryReading(
                    base: (try? LDAPDN(base).string()) ?? base, changes: status.method?.rawValue,
                    auditedAt: status.auditedAt))
        }
        return readings
    }
}
