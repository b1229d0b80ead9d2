import AddressBook
import Foundation
import Testing

@Suite("Digests of entries")
struct EntryDigestTests {
    /// A change of one thing.
    struct Difference: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let make: @Sendable (inout Entry) -> Void

        init(_ description: String, _ make: @escaping @Sendable (inout Entry) -> Void) {
            self.testDescription = description
            self.make = make
        }
    }

    static let differences = [
        Difference("the kind") { $0.kind = .person },
        Difference("the entryUUID") { $0.id.uuid = sampleID(9).uuid },
        Difference("the organization") { $0.id.organization = sampleID(1, organization: 0xB0).organization },
        Difference("the container") { $0.parent = sampleID(9).uuid },
        Difference("no container") { $0.parent = nil },
        Difference("the name") { $0.name = "Staff" },
        Difference("a value's case") { $0.fields[.displayName] = ["all staff"] },
        Difference("a value's normalization") { $0.fields[.displayName] = ["All sta\u{FB00}"] },
        Difference("one value more") { $0.fields[.displayName] = ["All staff", "Everybody"] },
        Difference("one value less") { $0.fields[.telephoneNumber] = ["+41 1"] },
        Difference("values joined") { $0.fields[.telephoneNumber] = ["+41 1+41 2"] },
        Difference("a field more") { $0.fields[.title] = ["x"] },
        Difference("a field less") { $0.fields[.displayName] = nil },
        Difference("a value under another field") {
            $0.fields[.title] = $0.fields[.displayName]
            $0.fields[.displayName] = nil
        },
        Difference("an unknown field") { $0.fields[Field(rawValue: "pager")] = ["1"] },
        Difference("the primary mail address") { $0.fields[.mail]?.reverse() },
        Difference("a member more") { $0.members.append(sampleID(5)) },
        Difference("a member less") { $0.members.removeLast() },
        Difference("another member") { $0.members[0] = sampleID(3, organization: 0xB0) },
    ]

    @Test("any difference in what travels is one of the digest", arguments: differences)
    func differs(_ difference: Difference) {
        var entry = sampleEntry
        difference.make(&entry)
        #expect(entry.digest != sampleEntry.digest)
    }

    @Test("every two different entries have different digests")
    func distinct() {
        let digests = Self.differences.map { difference in
            var entry = sampleEntry
            difference.make(&entry)
            return entry.digest
        }
        #expect(Set(digests).count == digests.count)
    }

    @Test("the order of values and members is no difference, except that of mail addresses")
    func order() {
        var entry = sampleEntry
        entry.fields[.telephoneNumber]?.reverse()
        entry.members.reverse()
        #expect(entry != sampleEntry)
        #expect(entry.digest == sampleEntry.digest)
    }

    /// Computed by Python's `hashlib` from the parts and their lengths.
    @Test("a digest is the SHA-256 that other implementations compute")
    func knownValue() {
        let hex = sampleEntry.digest.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == "f0cc59b482b60165d2aa2859bd42b5c059d170e07c856bf57654668f615ce6a6")
        #expect(EntryDigest(bytes: sampleEntry.digest.bytes) == sampleEntry.digest)
    }
}
