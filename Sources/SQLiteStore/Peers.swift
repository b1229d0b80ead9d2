import AddressBook
import Foundation
import GRDB
import InterOrgProtocol
import Synchronization

/// A state machine as it was saved last: it is asked for with every message, and most often nothing has changed it since.
struct KeptMachine {
    var bytes: Data
    var machine: any Sendable
}

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
        let bytes = try await store.read { db in
            try Data.fetchOne(
                db, sql: "SELECT machine FROM peer WHERE organization = ?", arguments: [organization.uuid])
        }
        guard let bytes else { return nil }
        let kept = store.keptMachines.withLock { $0[organization] }
        if let kept, kept.bytes == bytes, let machine = kept.machine as? Machine { return machine }
        // One that another version has saved may not be readable. Then the next contact is the first one: nothing is lost.
        return try? JSONDecoder().decode(type, from: bytes)
    }

    public func save<Machine: Codable & Sendable>(_ machine: Machine, of organization: OrganizationID) async throws {
        let bytes = try JSONEncoder().encode(machine)
        try await store.write { db in
            try db.run(
                sql: "INSERT OR REPLACE INTO peer (organization, machine) VALUES (?, ?)",
                arguments: [organization.uuid, bytes])
        }
        store.keptMachines.withLock { $0[organization] = KeptMachine(bytes: bytes, machine: machine) }
    }

    /// Forgets the machine kept for a peer: the next contact is the first one.
    public func forgetMachine(of organization: OrganizationID) async throws {
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
        try await store.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT id, name FROM organization")
            return Dictionary(uniqueKeysWithValues: rows.map { (OrganizationID($0["id"]), $0["name"] as String) })
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
    }
}
