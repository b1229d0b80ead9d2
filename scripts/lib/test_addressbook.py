"""Tests of what the demo relies on: the fixtures load, and the comparison notices every kind of difference.

The destination is filled here from what the comparison expects, so that one thing can then be spoiled at a time.
"""

import pathlib
import subprocess
import tempfile
import unittest

import addressbook
import ldif
import names
from slapd import REPOSITORY, Slapd

SUFFIXES = {"headquarters": "dc=hq,dc=example", "branch-a": "dc=a,dc=example", "branch-b": "dc=b,dc=example"}
SIZES = {"headquarters": 220, "branch-a": 200, "branch-b": 180}


def generated(organization, entries, seed=1):
    """The generator's output."""
    return subprocess.run(
        [REPOSITORY / "fixtures" / "generate", "--organization", organization, "--suffix", SUFFIXES[organization],
         "--entries", str(entries), "--seed", str(seed), "--awkward"], check=True, capture_output=True).stdout


def imported(home, abroad):
    """LDIF that makes `abroad` hold what is expected of it: containers first, groups last."""
    expected, _ = addressbook.Home(home).read_all()
    dns = {one.entry_uuid: _dn(one, abroad) for one in expected.values()}
    order = {addressbook.CONTAINER: 0, addressbook.PERSON: 1, addressbook.GROUP: 2}
    records = [ldif.entry(abroad.base, [("changetype", "add"), ("objectClass", "organizationalUnit"),
                                        ("ou", abroad.organization)])]
    for one in sorted(expected.values(), key=lambda one: (order[one.kind], len(one.path))):
        required, _ = addressbook.CLASSES[one.kind]
        classes = sorted(required) + (["interorgGeneralPage"] if one.kind == addressbook.PERSON else [])
        lines = [("changetype", "add"), ("objectClass", classes),
                 ("interorgOrganizationID", abroad.organization_uuid), ("interorgEntryUUID", one.entry_uuid),
                 ("cn", list(one.common_names)), ("member", [dns[member] for member in sorted(one.members)])]
        records.append(ldif.entry(dns[one.entry_uuid], lines + list(one.attributes.items())))
    return "".join(records)


def _dn(one, abroad):
    rdns = [one.rdn, *one.path]
    return ",".join([f"{kind}={names.escaped(value.decode())}" for kind, value in rdns] + [abroad.base])


class FixtureTests(unittest.TestCase):
    def test_committed_fixtures_are_what_the_generator_writes(self):
        for organization, entries in SIZES.items():
            committed = (REPOSITORY / "fixtures" / f"{organization}.ldif").read_bytes()
            self.assertEqual(generated(organization, entries), committed, organization)

    def test_another_seed_gives_another_directory(self):
        self.assertNotEqual(generated("branch-a", 200, seed=2), generated("branch-a", 200))

    def test_generated_entries_are_as_many_as_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "entries.ldif"
            path.write_bytes(generated("branch-b", 333))
            with Slapd("branch-b", SUFFIXES["branch-b"], pathlib.Path(folder) / "slapd", [path]) as slapd:
                home = addressbook.Home(slapd.directory)
                self.assertEqual(home.count(), 333)
                self.assertEqual(len(home.read_all()[0]), 333)


class NameTests(unittest.TestCase):
    def test_escaping_is_undone(self):
        for value in [" a ", "#a", 'a,b+c"d\\e;f<g>h=i', "\\2C", "ж, 中", "a\nb", " ", "#"]:
            name = f"cn={names.escaped(value)},dc=x".encode()
            self.assertEqual(names.rdn(name), ("cn", value.encode()))
            self.assertEqual(names.split(name)[1], b"dc=x")

    def test_spellings_of_one_dn_are_one(self):
        self.assertEqual(names.normalized(rb"CN=A\2Cb ,DC=X"), names.normalized(rb"cn=a\,B,dc=x"))
        self.assertNotEqual(names.normalized(b"cn=a,dc=x"), names.normalized(b"cn=a,dc=y"))


class ComparisonTests(unittest.TestCase):
    """Two directories: branch-a's, and headquarters' with all of branch-a in it."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        slapds = [cls.enterClassContext(Slapd(name, SUFFIXES[name], folder / name,
                                              [REPOSITORY / "fixtures" / f"{name}.ldif"]))
                  for name in ("branch-a", "headquarters")]
        cls.source, cls.destination = (slapd.directory for slapd in slapds)
        organization_id = addressbook.organization_id("branch-a")
        cls.abroad = addressbook.Abroad("branch-a", organization_id, cls.destination)
        cls.destination.change(imported(cls.source, cls.abroad))

    def expected(self):
        return addressbook.Home(self.source).read_all()[0]

    def differences(self):
        return self.abroad.compare_all(self.expected())

    def entry_uuid(self, uid):
        home = next(self.source.search(self.source.export_base, f"(uid={uid})", ("entryUUID",)))
        return home.first("entryuuid").decode()

    def dn(self, uid):
        found = self.destination.search(self.abroad.base, f"(interorgEntryUUID={self.entry_uuid(uid)})")
        return next(found).dn

    def assert_noticed(self, spoil, repair, *words):
        """`spoil` makes exactly one difference, whose text has the words in it; after `repair` there is none."""
        self.destination.change(spoil)
        try:
            found = self.differences()
        finally:
            self.destination.change(repair)
        self.assertEqual(len(found), 1, found)
        for word in ("headquarters", *words):
            self.assertIn(word, found[0])
        self.assertEqual(self.differences(), [])

    def modified(self, uid, operation, attribute, *values):
        lines = "".join(ldif.line(attribute, value) for value in values)
        return f"{ldif.line('dn', self.dn(uid))}changetype: modify\n{operation}: {attribute}\n{lines}\n"

    def test_equal_directories_have_no_difference(self):
        self.assertEqual(self.differences(), [])
        for one in self.expected().values():
            if names.rdn(one.dn)[1] in (b"rtl", b"has.two", "Ομάδα".encode(), "Ποιότητα, Έλεγχος".encode()):
                self.assertEqual(self.abroad.compare(one), [])
        self.assertEqual(self.abroad.count(), addressbook.Home(self.source).count())

    def test_a_changed_value_is_noticed(self):
        self.assert_noticed(self.modified("beyond", "replace", "title", "Changed"),
                            self.modified("beyond", "replace", "title", "İIıi ß ﬁ ＡＢＣ"), "title", "Changed", "beyond")

    def test_a_value_in_another_case_is_noticed(self):
        self.assert_noticed(self.modified("postal.two", "replace", "cn", "postal two"),
                            self.modified("postal.two", "replace", "cn", "Postal Two"), "cn expected 'Postal Two'")

    def test_a_missing_value_is_noticed(self):
        self.assert_noticed(self.modified("has.two", "delete", "interorgAssistant", "Postal Two"),
                            self.modified("has.two", "add", "interorgAssistant", "Postal Two"), "interorgassistant")

    def test_an_attribute_off_the_general_page_is_noticed(self):
        self.assert_noticed(self.modified("rtl", "add", "description", "private"),
                            self.modified("rtl", "delete", "description", "private"), "description expected nothing")

    def test_another_name_is_noticed(self):
        old = self.dn("postal.three").decode()
        below = old.partition(",")[2]
        self.assert_noticed(f"dn: {old}\nchangetype: modrdn\nnewrdn: cn=Postal Three\ndeleteoldrdn: 0\n\n",
                            f"dn: cn=Postal Three,{below}\nchangetype: modrdn\nnewrdn: uid=postal.three\n"
                            "deleteoldrdn: 0\n\n",
                            "its name")

    def test_another_container_is_noticed(self):
        old = self.dn("zoe.nfc").decode()
        rdn, _, above = old.partition(",")
        self.assert_noticed(
            ldif.line("dn", old) + f"changetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 0\n"
            f"newsuperior: {self.abroad.base}\n\n",
            f"dn: {rdn},{self.abroad.base}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 0\n"
            + ldif.line("newsuperior", above) + "\n", "its place")

    def test_a_wrong_member_is_noticed(self):
        group = f"cn=Bosses\\2C all of them,{self.abroad.base}"
        change = f"dn: {group}\nchangetype: modify\n%s: member\nmember: uid=rtl,{self.abroad.base}\n\n"
        self.assert_noticed(change % "add", change % "delete", "members")

    def test_a_missing_entry_is_noticed(self):
        entry_uuid = self.entry_uuid("department.ou")
        dn = self.dn("department.ou").decode()
        whole = next(self.destination.search(dn, scope="base"))
        self.assert_noticed(f"dn: {dn}\nchangetype: delete\n\n",
                            ldif.entry(dn, [("changetype", "add"), *whole.attributes.items()]), entry_uuid, "missing")

    def test_an_entry_too_many_is_noticed(self):
        dn = f"cn=Extra,{self.abroad.base}"
        self.assert_noticed(f"dn: {dn}\nchangetype: add\nobjectClass: person\ncn: Extra\nsn: Extra\n\n",
                            f"dn: {dn}\nchangetype: delete\n\n", "cn=Extra")

    def test_a_deleted_entry_that_is_still_there_is_noticed(self):
        self.assertEqual(len(self.abroad.compare_absent(self.entry_uuid("rtl"))), 1)
        self.assertEqual(self.abroad.compare_absent("00000000-0000-4000-8000-000000000000"), [])

    def test_strangers_below_the_import_base_are_noticed(self):
        everybody = ["headquarters", "branch-a", "branch-b"]
        self.assertEqual(addressbook.strangers(self.destination, everybody), [])
        self.assertEqual(len(addressbook.strangers(self.destination, ["headquarters", "branch-b"])), 1)

    def test_what_is_left_out_at_home_is_not_expected(self):
        dns = [one.dn for one in self.expected().values()]
        self.assertFalse([dn for dn in dns if b"printer" in dn or dn == self.source.export_base.encode()])


if __name__ == "__main__":
    unittest.main()
