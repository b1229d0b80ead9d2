import IncrementalSync
import Testing

@Suite("The deletion guard's limits")
struct DeletionGuardTests {
    @Test("500 deletions within 24 hours may happen, 501 may not")
    func count() {
        let limits = DeletionGuard()
        #expect(limits.exceededLimit(deletions: 500, recent: 0, entries: 100_000) == nil)
        #expect(limits.exceededLimit(deletions: 501, recent: 0, entries: 100_000)?.contains("500") == true)
        #expect(limits.exceededLimit(deletions: 1, recent: 499, entries: 100_000) == nil)
        #expect(limits.exceededLimit(deletions: 1, recent: 500, entries: 100_000) != nil)
    }

    @Test("a fifth of the entries may go, more may not")
    func percent() {
        let limits = DeletionGuard()
        #expect(limits.exceededLimit(deletions: 10, recent: 0, entries: 50) == nil)
        #expect(limits.exceededLimit(deletions: 11, recent: 0, entries: 50)?.contains("20 %") == true)
        #expect(limits.exceededLimit(deletions: 11, recent: 0, entries: 55) == nil)
    }

    @Test("a share is one of the entries before the first deletion of the 24 hours")
    func percentOfWhatWas() {
        let limits = DeletionGuard()
        #expect(limits.exceededLimit(deletions: 5, recent: 15, entries: 85) == nil)
        #expect(limits.exceededLimit(deletions: 6, recent: 15, entries: 85) != nil)
    }

    @Test("percentages count from ten deletions on")
    func smallNumbers() {
        let limits = DeletionGuard()
        #expect(limits.exceededLimit(deletions: 9, recent: 0, entries: 9) == nil)
        #expect(limits.exceededLimit(deletions: 10, recent: 0, entries: 10) != nil)
        #expect(limits.exceededLimit(deletions: 1, recent: 9, entries: 1) != nil)
    }
}
