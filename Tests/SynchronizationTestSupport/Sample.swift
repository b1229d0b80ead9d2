import AddressBook
import Foundation
import IncrementalSync

/// Entries, and a moment, to test with.
public enum Sample {
    public static let organization = OrganizationID(uuid(0xA0))
    public static let otherOrganization = OrganizationID(uuid(0xB0))
    public static let now = Date(timeIntervalSinceReferenceDate: 800_000_000)

    public static func uuid(_ number: Int) -> UUID {
        var bytes = [UInt8](repeating: 0, count: 8)
        withUnsafeBytes(of: Int64(number).bigEndian) { bytes.append(contentsOf: $0) }
        guard let uuid = UUID(bytes: bytes) else { preconditionFailure("16 bytes make a UUID") }
        return uuid
    }

    public static func id(_ number: Int, of organization: OrganizationID = Sample.organization) -> EntryID {
        EntryID(organization: organization, uuid: uuid(number))
    }

    public static func person(
        _ number: Int, of organization: OrganizationID = Sample.organization, title: Value = "Clerk"
    ) -> Entry {
        Entry(
            id: id(number, of: organization), kind: .person, name: Value("person-\(number)"),
            fields: [.displayName: [Value("Person \(number)")], .title: [title]])
    }

    public static func container(_ number: Int) -> Entry {
        Entry(id: id(number), kind: .container, name: Value("container-\(number)"))
    }

    public static func refresh(_ number: Int) -> RefreshID { RefreshID(uuid(number)) }

    public static func record(_ entry: Entry, home: Place? = nil) -> ExchangeRecord {
        ExchangeRecord(
            id: entry.id, digest: entry.digest, home: home, label: entry.label,
            filled: FilledFields(of: entry))
    }

    public static func problem(
        _ change: Change, _ kind: Problem.Kind = .refused, nextAttempt: Date? = Sample.now
    ) -> Problem {
        Problem(
            change: change, kind: kind, reason: "because of \(change.id)",
            answer: ServerAnswer(operation: "add", dn: "uid=é", resultCode: 21, message: "value #0 invalid"),
            label: "Somebody", firstSeen: now - 60, lastSeen: now, attempts: 3, nextAttempt: nextAttempt)
    }
}

extension Observation {
    public static func upsert(_ entry: Entry, place: Place? = nil) -> Observation {
        Observation(.change(.upsert(entry)), place: place)
    }

    public static func delete(_ id: EntryID) -> Observation { Observation(.change(.delete(id))) }
}
