import AddressBook
import Foundation
import GRDB
import InterOrgProtocol
import Synchronization

/// What a service knows of the organizations of its exchange.
public struct Peers: Sendable {
    let store: ServiceStore

    public init(store: ServiceStore) {
        self.store = store
    }

    /// The state machine kept for a peer; nil before the first contact.
    public func machine<Machine: Codable & Sendable>(
        of organization: OrganizationID, as type: Machine.Type
    ) async throws -> Machine? {
        if let machine = kept(organization, as: type) { return machine }
        let bytes = try await store.read { db in
            try Data.fetchOne(
                db, sql: "SELECT machine FROM peer WHERE organization = ?", arguments: [organization.uuid])
        }
        guard let bytes else { return nil }
        // One that another version has saved may not be readable. Then the next contact is the first one: nothing is lost.
        return try? JSONDecoder().decode(type, from: bytes)
    }

    private func kept<Machine: Sendable>(_ organization: OrganizationID, as type: Machine.Type) -> Machine? {
        store.kept.withLock { $0.machines[organization] } as? Machine
    }

    /// Keeps the machine. Nothing is written if it is as it was saved last.
    public func save<Machine: Codable & Equatable & Sendable>(
        _ machine: Machine, of organization: OrganizationID
    ) async throws {
        if kept(organization, as: Machine.self) == machine { return }
        let bytes = try JSONEncoder().encode(machine)
        store.kept.withLock { $0.machines[organization] = nil }
        try await store.write { db in
            try db.run(
                sql: "INSERT OR REPLACE INTO peer (organization, machine) VALUES (?, ?)",
                arguments: [organization.uuid, bytes])
        }
        store.kept.withLock { $0.machines[organization] = machine }
    }

    /// Forgets the machine kept for a peer: the next contact is the first one.
    public func forgetMachine(of organization: OrganizationID) async throws {
        store.kept.withLock { $0.machines[organization] = nil }
        try await store.write { db in
            try db.run(sql: "DELETE FROM peer WHERE organization = ?", arguments: [organization.uuid])
        }
    }

    /// Has a peer asked for everything anew. The service does it: what it is writing may be of the position that is given up.
    public func askAnew(_ organization: OrganizationID) async throws {
        try await store.write { db in
            try db.run(
                sql: "INSERT OR IGNORE INTO asked_anew (organization) VALUES (?)", arguments: [organization.uuid])
        }
    }

    public func isAskedAnew(_ organization: OrganizationID) async throws -> Bool {
        try await store.read { db in
            try Row.fetchOne(
                db, sql: "SELECT 1 FROM asked_anew WHERE organization = ?", arguments: [organization.uuid]) != nil
        }
    }

    /// It has been done.
    public func hasAskedAnew(_ organization: OrganizationID) async throws {
        try await store.write { db in
            try db.run(sql: "DELETE FROM asked_anew WHERE organization = ?", arguments: [organization.uuid])
        }
    }

    /// The labels of the organizations.
    public func names() async throws -> [OrganizationID: String] {
        if let names = store.kept.withLock({ $0.names }) { return names }
        let names = try await store.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT id, name FROM organization")
            return Dictionary(uniqueKeysWithValues: rows.map { (OrganizationID($0["id"]), $0["name"] as String) })
        }
        return store.kept.withLock { kept in
            // What has been learned meanwhile is newer.
            let newest = kept.names ?? names
            kept.names = newest
            return newest
        }
    }

    /// Learns labels. Nothing is written when nothing is new.
    public func learn(_ organizations: [Organization]) async throws {
        let known = try await names()
        let news = organizations.filter { known[$0.id] != $0.name }
        guard !news.isEmpty else { return }
        try await store.write { db in
            for organization in news {
                try db.run(
                    sql: "INSERT OR REPLACE INTO organization (id, name) VALUES (?, ?)",
                    arguments: [organization.id.uuid, organization.name])
            }
        }
        store.kept.withLock { kept in
            for organization in news { kept.names?[organization.id] = organization.name }
        }
    }
}
