import AddressBook
import Foundation
import InterOrgProtocol
import SQLiteStore

/// A full transfer that a person asks for. A running service finds it with its next mail.
public enum Resynchronization {
    /// What has come is asked for anew: no position in the other side's log is stated any more.
    ///
    /// - Parameter organizations: the names of the requestors that a master asks; none for all.
    /// - Returns: the names of those who are asked.
    /// - Throws: `StateFolderError` if the service has never run, `UnknownRequestor`.
    public static func importAll(from organizations: [String], _ configuration: Configuration) async throws -> [String]
    {
        let store = try configuration.existingStore()
        switch configuration.role {
        case .requestor(let master):
            if let other = organizations.first(where: { $0 != master.organization }) {
                throw UnknownRequestor(name: other, known: [master.organization])
            }
            try await Peers(store: store).askAnew(master.asOrganization.id)
            return [master.organization]
        case .master(let requestors):
            let known = requestors.map(\.organization)
            if let other = organizations.first(where: { !known.contains($0) }) {
                throw UnknownRequestor(name: other, known: known)
            }
            let asked = requestors.filter { organizations.isEmpty || organizations.contains($0.organization) }
            for peer in asked { try await Peers(store: store).askAnew(peer.asOrganization.id) }
            return asked.map(\.organization)
        }
    }

    /// Nobody's position in the log is one that it has had; and the directory is read in full.
    public static func exportAll(_ configuration: Configuration) async throws {
        let store = try configuration.existingStore()
        try await StoredSynchronizationState.forgetCursors(beginning: Participant.exportPrefix, in: store)
        try await ChangeLog(store: store).beginNewLine(id: UUID())
    }
}

/// A name that is none of those that could be meant.
public struct UnknownRequestor: Error, CustomStringConvertible {
    public var name: String
    public var known: [String]

    public var description: String {
        "\(name) is no organization that could be asked; known are: \(known.isEmpty ? "none" : known.joined(separator: ", "))"
    }
}
