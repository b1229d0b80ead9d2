import LDAPClient
import Testing

@Suite("A schema read from its definitions")
struct LDAPSchemaTests {
    /// As slapd shows core, cosine, inetorgperson and our own schema; the order is not that of derivation.
    private let schema = LDAPSchema(
        attributeTypes: [
            "( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'RFC2256: last (family) name(s)' SUP name )",
            "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'RFC4519: common name(s)' SUP name )",
            "( 2.5.4.41 NAME 'name' DESC 'RFC4519: common supertype' EQUALITY caseIgnoreMatch "
                + "SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
            "( 2.5.4.6 NAME ( 'c' 'countryName' ) DESC 'two-letter ISO-3166 country code' SUP name "
                + "SYNTAX 1.3.6.1.4.1.1466.115.121.1.11 SINGLE-VALUE )",
            "( 2.5.4.20 NAME 'telephoneNumber' EQUALITY telephoneNumberMatch "
                + "SUBSTR telephoneNumberSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.50{32} )",
            "( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )",
            "( 2.16.840.1.113730.3.1.241 NAME 'displayName' EQUALITY caseIgnoreMatch "
                + "SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )",
            "( 1.3.6.1.1.16.4 NAME 'entryUUID' EQUALITY UUIDMatch ORDERING UUIDOrderingMatch "
                + "SYNTAX 1.3.6.1.1.16.1 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
            "( 2.25.53025440861339637473305131792895921580.1.3 NAME 'interorgAssistant' "
                + "DESC 'Display name of the assistant: secretary holds a DN' EQUALITY caseIgnoreMatch "
                + "SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )",
        ],
        objectClasses: [
            "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( userPassword $ telephoneNumber ) )",
            "( 2.5.6.7 NAME 'organizationalPerson' SUP person STRUCTURAL MAY ( title $ st ) )",
            "( 2.16.840.1.113730.3.2.2 NAME 'inetOrgPerson' SUP organizationalPerson STRUCTURAL "
                + "MAY ( displayName $ mail ) )",
            "( 2.5.6.0 NAME 'top' DESC 'top of the superclass chain' ABSTRACT MUST objectClass )",
            "( 1.3.6.1.4.1.1466.101.120.111 NAME 'extensibleObject' SUP top AUXILIARY )",
            "( 2.25.53025440861339637473305131792895921580.2.2 NAME 'interorgGeneralPage' SUP top AUXILIARY "
                + "MAY ( co $ interorgAssistant ) )",
        ])

    @Test("finds a type by each name and by its OID, in any case, with any options")
    func names() throws {
        let surname = try #require(schema.attributeType("surname"))
        #expect(surname.names == ["sn", "surname"] && surname.key == "sn" && surname.superior == "name")
        for name in ["sn", "SN", "SurName", "2.5.4.4", "sn;lang-de", "SURNAME;x-a;x-b"] {
            #expect(schema.attributeType(name) == surname)
            #expect(schema.key(of: name) == "sn")
        }
        #expect(schema.attributeType("interorgassistant")?.key == "interorgassistant")
        for name in ["", ";", "snn", "mail"] { #expect(schema.attributeType(name) == nil) }
        #expect(schema.key(of: "Mail;lang-de") == "mail")
    }

    @Test("gives a type what its superiors have, unless it says otherwise")
    func inheritance() throws {
        let cn = try #require(schema.attributeType("cn"))
        #expect(cn.equality == "caseIgnoreMatch" && cn.syntax == "1.3.6.1.4.1.1466.115.121.1.15")
        #expect(cn.lengthMax == 32768 && !cn.isSingleValued)
        let country = try #require(schema.attributeType("c"))
        #expect(country.equality == "caseIgnoreMatch" && country.syntax == "1.3.6.1.4.1.1466.115.121.1.11")
        #expect(country.lengthMax == nil && country.isSingleValued)
        #expect(schema.attributeType("telephoneNumber")?.lengthMax == 32)
    }

    @Test("tells who may write an attribute, and what for")
    func usage() throws {
        let uuid = try #require(schema.attributeType("entryUUID"))
        #expect(!uuid.isUserModifiable && uuid.isSingleValued && uuid.usage == .directoryOperation)
        let name = try #require(schema.attributeType("displayName"))
        #expect(name.isUserModifiable && name.isSingleValued && name.usage == .userApplications)
    }

    @Test("knows what classes require and allow, with all their superiors")
    func classes() throws {
        let person = try #require(schema.objectClass("INETORGPERSON"))
        #expect(person.superiors == ["organizationalPerson"] && person.kind == .structural)
        #expect(person.may == ["displayName", "mail"] && person.must.isEmpty)
        #expect(schema.objectClass("2.5.6.0")?.kind == .abstract)
        #expect(schema.objectClass("interorgGeneralPage")?.kind == .auxiliary)
        #expect(schema.objectClass("nobody") == nil)
        #expect(schema.required(by: ["inetOrgPerson", "interorgGeneralPage"]) == ["objectclass", "sn", "cn"])
        #expect(schema.required(by: ["nobody"]) == [])
        let allowed = schema.allowed(by: ["inetorgperson", "interorgGeneralPage"])
        #expect(
            allowed.keys == [
                "objectclass", "sn", "cn", "userpassword", "telephonenumber", "title", "st", "displayname", "mail",
                "co", "interorgassistant",
            ])
        let types = try ["surname", "c", "entryUUID"].map { try #require(schema.attributeType($0)) }
        #expect(types.map(allowed.contains) == [true, false, true])
        let everything = schema.allowed(by: ["person", "EXTENSIBLEOBJECT"])
        #expect(everything.keys == nil && types.allSatisfy(everything.contains))
    }

    @Test("survives superiors in a loop, and superiors that are not there")
    func loops() {
        let schema = LDAPSchema(
            attributeTypes: [
                "( 1.1 NAME 'a' SUP b )", "( 1.2 NAME 'b' SUP a EQUALITY x )", "( 1.3 NAME 'c' SUP c )",
                "( 1.4 NAME 'd' SUP nobody SINGLE-VALUE )",
            ],
            objectClasses: [
                "( 2.1 NAME 'e' SUP f MUST a )", "( 2.2 NAME 'f' SUP ( e $ g ) MAY b )", "( 2.3 NAME 'g' SUP g MAY h )",
            ])
        #expect(schema.attributeType("a")?.equality == "x")
        #expect(schema.attributeType("c")?.syntax == "")
        #expect(schema.attributeType("d")?.isSingleValued == true)
        #expect(schema.required(by: ["e"]) == ["a"])
        #expect(schema.allowed(by: ["f"]).keys == ["a", "b", "h"])
    }

    @Test("reads what other servers write")
    func otherServers() throws {
        let schema = LDAPSchema(
            attributeTypes: [
                // 389 Directory Server.
                "( nsAccountLock-oid NAME 'nsAccountLock' DESC 'Operational attribute for Account Inactivation' "
                    + "SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE USAGE directoryOperation "
                    + "X-ORIGIN ( 'Netscape Directory Server' 'user defined' ) )",
                "( 2.16.840.1.113730.3.1.612 NAME ( 'generation' 'generationQualifier' ) DESC '' "
                    + "SYNTAX '1.3.6.1.4.1.1466.115.121.1.15{64}' X-ORIGIN 'RFC 4519' X-DEPRECATED 'g' )",
                // Active Directory.
                "( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
                "( 1.2.840.113556.1.4.2 NAME 'objectGUID' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE "
                    + "NO-USER-MODIFICATION )",
                // Escapes, apostrophes without them, keywords in other words and in small letters, line breaks.
                "(1.9.1 NAME('a' 'b')DESC 'Anna\\27s (old) \\5C27 SINGLE-VALUE'\n\t  SYNTAX 1.2{8})",
                "( 1.9.2 NAME 'c' DESC 'it's Anna's' X-NAME 'x' X-LIST ( 'y' 'z' ) X-WORD y name 'd' single-value )",
                "( '1.9.3' NAME 'it\\27s\\5C27\\5c' )",
                "( 1.9.4 )",
            ],
            objectClasses: [
                "( 1.2.840.113556.1.5.9 NAME 'user' SUP organizationalPerson STRUCTURAL MUST (cn ) "
                    + "MAY (o $ networkAddress $sAMAccountName$mail ) )"
            ])
        #expect(schema.attributeTypes.count == 8)
        let lock = try #require(schema.attributeType("nsaccountlock"))
        #expect(lock.oid == "nsAccountLock-oid" && lock.usage == .directoryOperation && lock.isSingleValued)
        let generation = try #require(schema.attributeType("generationqualifier"))
        #expect(generation.syntax == "1.3.6.1.4.1.1466.115.121.1.15" && generation.lengthMax == 64)
        #expect(generation.names == ["generation", "generationQualifier"])
        #expect(schema.attributeType("samaccountname")?.syntax == "1.3.6.1.4.1.1466.115.121.1.15")
        #expect(schema.attributeType("objectGUID")?.isUserModifiable == false)
        let a = try #require(schema.attributeType("B"))
        #expect(a.names == ["a", "b"] && !a.isSingleValued && a.syntax == "1.2" && a.lengthMax == 8)
        #expect(schema.attributeType("d")?.isSingleValued == true)
        #expect(schema.attributeType("1.9.3")?.names == ["it's\\27\\"])
        #expect(schema.attributeType("1.9.4")?.key == "1.9.4")
        #expect(schema.objectClass("user")?.may == ["o", "networkAddress", "sAMAccountName", "mail"])
        #expect(schema.objectClass("user")?.must == ["cn"])
    }

    @Test(
        "leaves out what is no definition",
        arguments: [
            "", " ", "(", "()", "( )", "1.2 NAME 'a'", "( 1.2 NAME 'a'", "( 1.2 NAME 'a )", "( 1.2 NAME )",
            "( 1.2 NAME ( 'a' ", "( 1.2 NAME ( ( 'a' ) ) )", "( 1.2 SUP $ a )", "( ( 1.2 ) )", "( $ NAME 'a' )",
            "( 1.2 X-LIST ( 'a' )", "{0}( 1.2 NAME 'a' )",
        ])
    func noDefinition(text: String) {
        let schema = LDAPSchema(attributeTypes: [text, "( 1.1 NAME 'b' )"], objectClasses: [text])
        #expect(schema.attributeTypes.map(\.key) == ["b"])
        #expect(schema.objectClasses.isEmpty)
    }

    @Test("gives a name that two types claim to the first")
    func sameName() {
        let schema = LDAPSchema(
            attributeTypes: ["( 1.1 NAME 'a' )", "( 1.2 NAME ( 'b' 'A' ) )", "( 1.1 NAME 'c' )"], objectClasses: [])
        #expect(["a", "A", "b", "1.1", "c"].map { schema.attributeType($0)?.key } == ["a", "a", "b", "a", "c"])
    }

    @Test("says what is wrong with a value")
    func faults() throws {
        let phone = try #require(schema.attributeType("telephoneNumber"))
        #expect(phone.fault(in: Array("+41 44 668 18 00".utf8)) == nil)
        #expect(phone.fault(in: Array("1800#2".utf8)) == "\"#\" is not allowed in it")
        #expect(try #require(schema.attributeType("sn")).fault(in: []) == "it is empty")
    }
}
