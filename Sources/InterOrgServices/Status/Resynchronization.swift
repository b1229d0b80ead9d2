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
            let name = Participant.importState(imports: configuration.directory.imports != nil)
            try await forgetCursors(of: name, in: store)
            let peers = Peers(store: store)
            if var machine = try await peers.machine(of: master.asOrganization.id, as: RequestorMachine.self) {
                machine.beginAnew()
                try await peers.save(machine, of: master.asOrganization.id)
            }
            return [master.organization]
        case .master(let requestors):
            let known = requestors.map(\.organization)
            if let other = organizations.first(where: { !known.contains($0) }) {
                throw UnknownRequestor(name: other, known: known)
            }
            let asked = requestors.filter { organizations.isEmpty || organizations.contains($0.organization) }
            for peer in asked.map(\.asOrganization) {
                for offers in [true, false] {
                    try await forgetCursors(of: Master.stateName(peer.id, offers), in: store)
                }
                try await Peers(store: store).forgetMachine(of: peer.id)
            }
            return asked.map(\.organization)
        }
    }

    /// Nobody's position in the log is one that it has had.
    public static func exportAll(_ configuration: Configuration) async throws {
        try await ChangeLog(store: configuration.existingStore()).beginNewLine(id: UUID())
    }

    private static func forgetCursors(of name: String, in store: ServiceStore) async throws {
        guard try await StoredSynchronizationState.names(beginning: name, in: store).contains(name) else { return }
        for stream in ChangeStream.allCases {
            try await StoredSynchronizationState.open(name, stream, in: store).forgetCursor()
        }
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
