/// Values that are written under every syntax: good ones of each, and what goes wrong in practice.
enum SyntaxSamples {
    static let values: [[UInt8]] = texts.map { Array($0.utf8) } + bytes

    private static let texts =
        plain + blanks + punctuation + numbers + times + addresses + names + identifiers

    private static let plain = [
        "", "a", "ab", "Anna", "Zürich", "Zu\u{308}rich", "🦊", "ﬁ", "日本語", "ß", "CH", "ch", "C", "CHE", "C1", "11",
        "C ", " C", "C#", "ü", "TRUE", "FALSE", "true", "True", "TRUE ", "TRUE\0", "anna@example", "Änne@example",
        String(repeating: "a", count: 300), String(repeating: "1", count: 9_000),
        String(repeating: "ä", count: 5_000),
    ]

    private static let blanks = [
        " ", "  ", " a", "a ", "a  b", "\t", "a\tb", "\n", "a\nb", "a\r\nb", "\0", "a\0", "\0a", "a\0b", "\u{7F}",
        "\u{B}", "\u{1B}[0m", "\u{A0}", "a\u{A0}b", "\u{AD}", "\u{200B}", "\u{FEFF}a", "\u{2028}", "\u{FFFE}",
        "\u{10FFFF}", "-", " - ", "--", "\u{2010}",
    ]

    private static let punctuation = [
        "#", "*", ";", "a#b", "a*b", "a;b", "'", "\"", "(", ")", "+", ",", ".", "/", ":", "?", "=", "!", "@", "$", "%",
        "&", "_", "<", ">", "[", "\\", "^", "`", "{", "|", "~", "'()+,-./:? =",
    ]

    private static let numbers = [
        "0", "00", "-0", "1", "01", "-1", "+1", "- 1", "1 2", " 12", "12 ", "1.0", "1e3", "-",
        "123456789012345678901234567890", "+41 44 668 18 00", "+41 (0)44/668-18.00", "1800#2", "*31#", "1;2", "0xA",
    ]

    private static let times = [
        "20261231235959Z", "202612312359Z", "2026123123Z", "20261231Z", "2026Z", "20261231235959", "20261231235959z",
        "20261231235959.5Z", "20261231235959,5Z", "20261231235959.Z", "2026123123.5Z", "20261231235959+0100",
        "20261231235959-01", "20261231235959+1", "20261231235959+2400", "20261231235959+0160", "20261231235959Z ",
        " 20261231235959Z", "20261331235959Z", "20260001235959Z", "20260100235959Z", "20260132235959Z",
        "20260229235959Z", "20240229235959Z", "19000229235959Z", "20000229235959Z", "20261231245959Z",
        "20261231236059Z", "20261231235960Z", "20261231235961Z", "20261231235Z", "20261231235959Z0", "261231235959Z",
        "20261231235959+010", "20261231235959+01000", "20261231235959.5+0100", "20261231235959.000Z",
    ]

    private static let addresses = [
        "Hardturmstrasse 1$8005 Zürich", "$", "a$", "$a", "a$$b", "a$ $b", "a\\24b", "a\\5Cb", "a\\5cb", "a\\b", "a\\2",
        "a\\$b", "a\\\\b", "\\24", "\\5C24$\\24", "1$fineResolution", "1$ fineResolution", "1$nonsense", "1$",
        "+41 44 668 18 00$twoDimensional$b4Width", "1$a_b", "a\\24$\\5C", "a$b\\", "a$b\\2",
    ]

    private static let names = [
        "cn=Anna", "cn=Anna,dc=example", "cn=Anna, dc=example", "cn = Anna , dc = example", "cn=Anna;dc=example",
        "cn=\"Anna, B\",dc=example", "cn=Anna\\, B,dc=example", "cn=Anna\\2C B", "cn=Anna\\", "cn=Anna\\2", "cn=Anna,",
        ",cn=Anna", "cn=Anna,,dc=example", "cn", "=Anna", "cn=", "cn=,dc=example", "cn=Anna+sn=B", "cn=Anna+",
        "2.5.4.3=Anna", "OID.2.5.4.3=Anna", "oid.2.5.4.3=Anna", "2.5.4.3=#0C04416E6E61", "cn=#0C04416E6E61", "cn=#x",
        "cn=#", "unknown=Anna", "un_known=Anna", "cn=Zürich", "cn=a\0b", "cn=a\\00b", "cn=a\nb", "cn=a<b", "cn=a>b",
        "cn=a#b", "cn=a=b", "cn=a\"b", "cn=\"a", "cn=a;b", "c=CHE,o=x", "c=CH,o=x", "dc=zürich", "cn=Anna\n",
        "\ncn=Anna", " cn=Anna ", "cn=Anna#'0101'B", "cn=Anna#''B", "cn=Anna#'0121'B", "cn=Anna#'01'b", "cn=Anna#",
        "#'01'B", "'01'B", "Anna#'01'B", "cn=a#b#'1'B", "<cn=Anna>", "/cn=Anna", "/dc=example/cn=Anna",
        "cn=\\FF", "cn=\\C3\\BC", "cn=a;lang-de=b", "cn;lang-de=Anna", "telephoneNumber=#1", "telephoneNumber=1*",
        "cn=Anna, ,dc=example", "uid=a,uid=b,uid=c", "cn=Anna,dc=" + String(repeating: "x", count: 9_000),
    ]

    private static let identifiers = [
        "2.5.4.3", "2", "2.", ".2", "2..5", "2.05", "0.9", "2.5.4.3 ", "cn", "inetOrgPerson", "x-y", "-x", "x_y",
        "2.5.a", "1.2.99999999999999999999999", "2.5.4.0", "00.1", "0.0",
        "00000000-0000-0000-0000-000000000000", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae7dec11d0a76500a0c91e6bf6",
        "g81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ",
        "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "f81d4fae-7dec-11d0-a76500a0-c91e6bf6", "f81d4fae",
    ]

    private static let bytes: [[UInt8]] = [
        [0xFF], [0x80], [0xC3], [0x61, 0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80],
        [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
        [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF7, 0xBF, 0xBF, 0xBF], [0xF8, 0x80, 0x80, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC, 0x80, 0x80, 0x80, 0x80, 0x80], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80],
        [0xFE, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], [0x5A, 0xFC, 0x72, 0x69, 0x63, 0x68], [0x61, 0x24, 0xC3],
        [0xC3, 0x24, 0x61], [0x63, 0x6E, 0x3D, 0xFF], [0x63, 0x6E, 0x3D, 0xED, 0xA0, 0x80], [0xEF, 0xBF, 0xBD],
        [0x61, 0xFF, 0x0A], [0x31, 0xC3, 0xBC],
    ]
}
