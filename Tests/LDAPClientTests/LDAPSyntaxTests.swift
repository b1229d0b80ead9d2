import LDAPClient
import Testing

@Suite("A syntax says what is wrong with a value")
struct LDAPSyntaxTests {
    private func fault(_ number: Int, _ text: String) -> String? {
        fault(number, Array(text.utf8))
    }

    private func fault(_ number: Int, _ value: [UInt8]) -> String? {
        LDAPSyntax("1.3.6.1.4.1.1466.115.121.1.\(number)").fault(in: value)
    }

    @Test(
        "and names the character",
        arguments: [
            ("1*2", "\"*\""), ("1;2", "\";\""), ("Zürich", "\"ü\""), ("a🦊b", "U+1F98A FOX FACE"),
            ("1–2", "U+2013 EN DASH"), ("1\u{A0}2", "U+00A0 NO-BREAK SPACE"),
            ("日本", "\"日\""), ("1\u{E000}", "U+E000"), ("1\n2", "a line break"),
            ("1\t2", "a tab"), ("1\0", "a NUL"), ("a\u{7F}", "a control character"), ("a\"b", "a quotation mark"),
            ("e\u{301}", "U+0301 COMBINING ACUTE ACCENT"), ("a_b@c", "\"_\""),
        ])
    func characters(text: String, character: String) {
        #expect(fault(44, text) == "\(character) is not allowed in it")
        #expect(fault(50, text) == "\(character) is not allowed in it")
    }

    @Test("in words for each syntax")
    func words() {
        #expect(fault(15, "") == "it is empty")
        #expect(fault(15, [0x61, 0xFF]) == "it is not UTF-8")
        #expect(fault(50, [0x31, 0xFF]) == "what is not UTF-8 is not allowed in it")
        #expect(fault(50, "") == "it is empty")
        #expect(fault(22, "1$$x") == "there is nothing before, between or after a \"$\"")
        #expect(fault(26, "ä@example") == "\"ä\" is not allowed in it")
        #expect(fault(36, "12a") == "\"a\" is not allowed in it")
        #expect(fault(11, "CHE") == "it is not two letters, such as CH")
        #expect(fault(41, "a\\b") == "a backslash has to be written as \\5C")
        #expect(fault(27, "01") == "it is not a whole number")
        #expect(fault(7, "true") == "it is neither TRUE nor FALSE")
        #expect(fault(24, "2026") == "it is not a time, such as 20261231235959Z")
        #expect(fault(24, "20260229000000Z") == "there is no such day")
        #expect(fault(38, "2..5") == "it is neither an OID, such as 2.5.4.3, nor a name")
        #expect(fault(12, "Anna") == "it is not a distinguished name, such as cn=Anna,dc=example")
        #expect(fault(34, "Anna#'01'B") == "it is not a distinguished name, such as cn=Anna,dc=example")
        #expect(LDAPSyntax("1.3.6.1.1.16.1").fault(in: Array("x".utf8)) == "it is not a UUID")
    }

    @Test("and nothing where there is nothing to say")
    func conforming() {
        #expect(fault(15, "Zürich\n\0") == nil)
        #expect(fault(50, "+41 (0)44/668-18.00, x: 1?='a'") == nil)
        #expect(fault(34, "cn=Anna,dc=example#'0101'B") == nil)
        #expect(fault(34, "cn=Anna,dc=example") == nil)
        #expect(fault(38, "inetOrgPerson") == nil && fault(38, "2.5.4.3") == nil)
        #expect(fault(24, "2024022923.5+0100") == nil && fault(24, "19961231235960Z") == nil)
        #expect(fault(40, [0, 0xFF]) == nil && fault(40, []) == nil)
        #expect(LDAPSyntax("1.2.3").fault(in: []) == nil && LDAPSyntax("").fault(in: [0xFF]) == nil)
    }
}
