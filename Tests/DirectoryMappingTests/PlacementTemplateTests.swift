import AddressBook
import DirectoryMapping
import Testing

@Suite("A placement, as it is written")
struct PlacementTemplateTests {
    @Test(
        "is a DN's template, the entry's name first",
        arguments: [
            "{name},{containers},ou={organization}", "uid={alias},ou={organization}", "uid={alias}", "{name}",
            "cn={sn}\\, {givenName},{containers},ou={organization}", "cn={name}, ou=people , o={organization}",
            "CN={sn} {{}} \\\\ \\+ {givenName},OU=a\\,b", "{name},{containers}", "{name},dc={organization},l=x",
        ])
    func good(_ text: String) throws {
        let template = try PlacementTemplate(text)
        #expect(template.text == text)
        #expect(template.mirrorsContainers == text.contains("{containers}"))
    }

    @Test(
        "that cannot be is refused with the reason",
        arguments: [
            ("", "it is written like a DN"), (",ou=x", "it is written like a DN"),
            ("{name},", "it is written like a DN"),
            ("{name}\\", "it is written like a DN"), ("alice", "\"alice\" is not a type and a value"),
            ("={alias}", "is not a type and a value"), ("{containers},ou=x", "{name} stands first"),
            ("{name},ou=x,{containers}", "{containers} right after"), ("uid=,ou=x", "\"uid=\" has no value"),
            ("u d={alias}", "\"u d\" is not an attribute type"), ("uid={nickname}", "{nickname} cannot stand there"),
            ("uid={organization}", "{organization} cannot stand there"), ("{name},ou={sn}", "{sn} cannot stand there"),
            ("uid={alias,ou=x", "\"{\" has no \"}\""), ("uid=alias},ou=x", "\"}\" has no \"{\""),
            ("{name},cn=people", "a container is named by dc, l, o, ou"),
            ("uid=alias,ou=x", "\"uid=alias\" is the same for all entries"),
            ("uid={alias}+cn={sn},ou=x", "one type and value"),
        ])
    func bad(_ text: String, _ reason: String) {
        let failure = #expect(throws: PlacementTemplate.Failure.self) { try PlacementTemplate(text) }
        #expect(failure?.reason.contains(reason) == true, "\(failure?.reason ?? "")")
    }

    @Test("names the containers below the import base, the innermost first")
    func containers() throws {
        let containers = try PlacementTemplate("{name},ou=a\\,b,o={organization}")
            .containers(of: "x, y")
        #expect(containers.map(\.attribute) == ["ou", "o"])
        #expect(containers.map(\.value) == ["a,b", "x, y"])
        #expect(containers.map(\.containerClass) == ["organizationalUnit", "organization"])
        #expect(try PlacementTemplate("uid={alias}").containers(of: "x").isEmpty)
    }
}
