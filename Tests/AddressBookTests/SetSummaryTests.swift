import AddressBook
import Testing

@Suite("Summaries of sets of entries")
struct SetSummaryTests {
    let ids = (0..<40).map { sampleID($0) }

    @Test("the order of the entries means nothing")
    func order() {
        let summary = SetSummary(ids)
        #expect(SetSummary(ids.reversed()) == summary)
        var grown = SetSummary(ids.suffix(10))
        for id in ids.prefix(30) { grown.insert(id) }
        #expect(grown == summary && grown.hash == summary.hash)
        #expect(summary.count == 40)
    }

    @Test("every single entry counts")
    func everyEntry() {
        var hashes: Set<String> = [SetSummary(ids).hash]
        for index in ids.indices {
            var others = ids
            others.remove(at: index)
            hashes.insert(SetSummary(others).hash)
        }
        #expect(hashes.count == ids.count + 1)
    }

    @Test("the organization of an entry counts, and an empty set is no set of one")
    func organization() {
        #expect(SetSummary([sampleID(1)]) != SetSummary([sampleID(1, organization: 0xB0)]))
        #expect(SetSummary() != SetSummary([sampleID(1)]))
    }

    @Test("a hash is 64 hexadecimal digits, whatever it starts with")
    func digits() {
        for summary in [SetSummary()] + ids.map({ SetSummary([$0]) }) {
            #expect(summary.hash.count == 64)
            #expect(summary.hash.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        }
        #expect(SetSummary().hash == String(repeating: "0", count: 64))
    }

    /// Computed by Python's `hashlib`.
    @Test("a hash is the sum, in four lanes, that other implementations compute")
    func knownValue() {
        #expect(
            SetSummary([sampleID(1), sampleID(2)]).hash
                == "7447bc675d423fa2d6b246ce014e4199a10996dacc40b3e3d9067d4f9617254a")
    }
}
