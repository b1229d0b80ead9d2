import AddressBook
import Foundation
import IncrementalSync
import InterOrgServices
import SQLiteStore

/// A directory that has any number of entries without keeping them: number n is always the same. What others have is
/// taken and forgotten.
struct GeneratedDirectory: OrganizationDirectory {
    let organization: OrganizationID
    let entries: Int

    /// How many entries are in one container.
    private static let containerSize = 100

    var exports: [String] { ["ou=people"] }
    var imports: Bool { true }

    func check() async throws {}

    func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource {
        GeneratedSource(directory: self, stream: stream)
    }

    func collector(
        index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) -> (any Collector)? {
        AcceptingCollector()
    }

    func count(_ stream: ChangeStream) -> Int {
        stream == .contents ? entries : (entries + Self.containerSize - 1) / Self.containerSize
    }

    func observation(_ number: Int, _ stream: ChangeStream) -> Observation {
        switch stream {
        case .hierarchy:
            let name = "unit \(number)"
            let entry = Entry(id: id(number, stream), kind: .container, name: Value(name))
            return Observation(.change(.upsert(entry)), place: place("ou=\(name)"))
        case .contents:
            let parent = number / Self.containerSize
            let entry = Entry(
                id: id(number, stream), kind: .person, parent: id(parent, .hierarchy).uuid,
                name: Value("person \(number)"), fields: Self.fields(number))
            return Observation(.change(.upsert(entry)), place: place("cn=person \(number),ou=unit \(parent)"))
        }
    }

    private func place(_ relative: String) -> Place {
        let text = "\(relative),ou=people,dc=branch,dc=example"
        return Place(key: text, text: text)
    }

    /// As random as entryUUIDs are to a database.
    private func id(_ number: Int, _ stream: ChangeStream) -> EntryID {
        var halves = (UInt64(number) &* 2 &+ (stream == .hierarchy ? 1 : 0), UInt64(0))
        halves.0 = Self.mixed(halves.0)
        halves.1 = Self.mixed(halves.0)
        let uuid = withUnsafeBytes(of: halves) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
        return EntryID(organization: organization, uuid: uuid)
    }

    /// The step of SplitMix64.
    private static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = number &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static let givenNames = ["Anna", "Jürgen", "María", "Ó Briain", "Søren", "Wei", "Zoë", "Владимир"]
    private static let surnames = ["Müller", "García Márquez", "Nguyễn", "Smith", "Łukasiewicz", "O'Neill", "田中"]
    private static let cities = ["Zürich", "San José", "København", "New York", "İzmir"]

    private static func fields(_ number: Int) -> [Field: [Value]] {
        let givenName = givenNames[number % givenNames.count]
        let surname = surnames[number / 3 % surnames.count]
        let texts: [Field: String] = [
            .givenName: givenName, .initials: "\(givenName.prefix(1)).", .sn: surname,
            .displayName: "\(surname), \(givenName) (\(number))", .alias: "user\(number)",
            .street: "\(number % 200) Long Street, Building \(number % 7)", .l: cities[number % cities.count],
            .postalCode: String(10_000 + number % 80_000), .co: "Switzerland", .title: "Engineer, grade \(number % 9)",
            .company: "Branch Example Ltd.", .department: "Department \(number % 40)",
            .physicalDeliveryOfficeName: "Room \(number % 900)", .telephoneNumber: "+41 44 \(1_000_000 + number)",
            .mail: "user\(number)@branch.example",
        ]
        return texts.mapValues { [Value($0)] }
    }
}

/// Everything, in the order of its numbers.
private struct GeneratedSource: ChangeSource {
    let directory: GeneratedDirectory
    let stream: ChangeStream

    func read(after cursor: Cursor?) async throws -> any ChangeReader {
        GeneratedReader(directory: directory, stream: stream, next: cursor?.number.map(Int.init) ?? 0)
    }
}

private actor GeneratedReader: ChangeReader {
    private let directory: GeneratedDirectory
    private let stream: ChangeStream
    private var number: Int

    private static let batchSize = 1_000

    init(directory: GeneratedDirectory, stream: ChangeStream, next: Int) {
        self.directory = directory
        self.stream = stream
        self.number = next
    }

    func next() -> ChangeBatch? {
        let numbers = number..<min(number + Self.batchSize, directory.count(stream))
        guard !numbers.isEmpty else { return nil }
        number = numbers.upperBound
        return ChangeBatch(
            observations: numbers.map { directory.observation($0, stream) }, cursor: Cursor(number: Int64(number)))
    }
}

/// A destination with places, which takes everything at once.
private struct AcceptingCollector: Collector {
    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        ImportResult(
            outcomes: changes.map { offered in
                guard let entry = offered.change.entry else { return .imported(nil) }
                let text = "cn=\(entry.name),ou=unit,ou=branch,ou=interorg,dc=other,dc=example"
                return .imported(Placement(Place(key: text, text: text)))
            })
    }
}
