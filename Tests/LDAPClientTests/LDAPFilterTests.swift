import LDAPClient
import Testing

@Suite("Filter values")
struct LDAPFilterTests {
    @Test("what means something in a filter is escaped")
    func escaping() {
        #expect(LDAPFilter.escape("a*b(c)d\\e") == "a\\2Ab\\28c\\29d\\5Ce")
        #expect(LDAPFilter.escape([0x61, 0, 0xC3, 0xBC]) == "a\\00\\C3\\BC")
        #expect(LDAPFilter.escape("plain") == "plain")
        #expect(LDAPFilter.escape("") == "")
    }
}
