"""What the other directories have to show of an organization's own entries, worked out with ldapsearch alone."""

import dataclasses
import re

import names

PERSON, CONTAINER, GROUP = "person", "container", "group"
EXPORT_FILTER = "(|(objectClass=organizationalUnit)(objectClass=person)(objectClass=groupOfNames))"
# Taken as they are, under the same name.
PLAIN = ("givenname", "initials", "sn", "displayname", "uid", "l", "st", "postalcode", "title", "o",
         "physicaldeliveryofficename", "telephonenumber", "mail")
SOURCE_ATTRIBUTES = ("objectClass", "entryUUID", "modifiersName", "cn", *PLAIN, "street", "postalAddress", "co", "c",
                     "departmentNumber", "ou", "secretary", "member")
_POSTAL_ESCAPE = re.compile(rb"\\(24|5[Cc])")


@dataclasses.dataclass(slots=True)
class Expected:
    """What one entry has to look like in the other directories."""

    kind: str
    entry_uuid: str
    dn: bytes  # at home
    rdn: tuple  # (type, value) in the other directories
    path: tuple  # the containers' RDNs, nearest first; () directly under ou=<organization>
    attributes: dict  # name in lower case to values
    common_names: tuple  # cn of a person, in the other directories
    members: frozenset  # entry UUIDs

    def __str__(self):
        return f"{self.dn.decode('utf-8', 'replace')} (entryUUID {self.entry_uuid})"


class Home:
    """One organization's own entries, read from its directory."""

    def __init__(self, directory):
        self.directory = directory
        self._paths = names.PathReader(directory.export_base)
        self._by_dn = names.Index()  # (entry UUID, what is displayed, whether it is exported)
        self._complete = False

    def read_all(self, connector_dn=None):
        """All that is exported, by entry UUID, and differences: what the connector wrote where it must not."""
        entries = list(self.directory.search(self.directory.export_base, EXPORT_FILTER, SOURCE_ATTRIBUTES))
        for entry in entries:
            self._remember(entry)
        self._complete = True
        trespasses = [
            f"entry {entry.dn.decode()} of {self.directory.organization}'s own was changed by its connector"
            for entry in entries if connector_dn and entry.first("modifiersname") == connector_dn.encode()]
        expected = (self._expected(entry) for entry in entries if self._is_exported(entry))
        return {one.entry_uuid: one for one in expected}, trespasses

    def read(self, dn):
        """What is expected of one entry, or None if it is not there or not exported."""
        for entry in self.directory.search(dn, EXPORT_FILTER, SOURCE_ATTRIBUTES, "base", absent_is_empty=True):
            if self._is_exported(entry):
                return self._expected(entry)
        return None

    def count(self):
        """How many entries are exported."""
        below = f"(&{EXPORT_FILTER}(!(objectClass=interorgEntry)))"
        # The base itself is not exported, and is an organizationalUnit like any other.
        return self.directory.count(self.directory.export_base, below) - 1

    def _is_exported(self, entry):
        if self._paths.path(entry.dn) == ():
            return False
        # An entry that bears the stamp of an import belongs to another organization, wherever it lies.
        return not any(name.lower() == b"interorgentry" for name in entry.values("objectclass"))

    def _remember(self, entry):
        shown = entry.first("displayname") or entry.first("cn")
        found = (entry.first("entryuuid").decode().lower(), shown, self._is_exported(entry))
        self._by_dn[entry.dn] = found
        return found

    def _look_up(self, dn):
        known = self._by_dn.get(dn)
        if known is not None or (self._complete and self._paths.path(dn) is not None):
            return known
        found = list(self.directory.search(dn.decode(), EXPORT_FILTER, SOURCE_ATTRIBUTES, "base", absent_is_empty=True))
        return self._remember(found[0]) if found else None

    def _expected(self, entry):
        classes = {name.lower() for name in entry.values("objectclass")}
        kind = CONTAINER if b"organizationalunit" in classes else GROUP if b"groupofnames" in classes else PERSON
        _, name = names.rdn(entry.dn)
        path = self._paths.path(names.split(entry.dn)[1])
        attributes, common_names, members = {}, (), frozenset()
        if kind == PERSON:
            attributes, shown = self._general_page(entry)
            rdn = ("uid" if name in attributes.get("uid", ()) else "cn", name)
            common_names = (shown, name) if rdn[0] == "cn" and name != shown else (shown,)
        elif kind == GROUP:
            rdn = ("cn", name)
            attributes["cn"] = [name]
            found = (self._look_up(member) for member in entry.values("member"))
            members = frozenset(member[0] for member in found if member and member[2])
        else:
            rdn = ("ou", name)
            attributes["ou"] = [name]
        return Expected(kind, entry.first("entryuuid").decode().lower(), entry.dn, rdn, path, attributes, common_names,
                        members)

    def _general_page(self, entry):
        """The fields of the General page under the names that they have in the other directories; and what is
        displayed."""
        page = {name: entry.attributes[name] for name in PLAIN if name in entry.attributes}
        shown = entry.first("displayname") or entry.first("cn")
        page["displayname"] = [shown]
        street = entry.values("street") or [_street(value) for value in entry.values("postaladdress")]
        department = entry.values("departmentnumber") or entry.values("ou")
        country = entry.values("co") or entry.values("c")
        targets = (self._look_up(dn) for dn in entry.values("secretary"))
        assistants = list(dict.fromkeys(target[1] for target in targets if target and target[1]))
        for name, values in (("street", street), ("departmentnumber", department), ("co", country),
                             ("interorgassistant", assistants)):
            if values:
                page[name] = values
        return page, shown


def _street(postal_address):
    """A postalAddress as lines of text (RFC 4517, section 3.3.28)."""
    lines = postal_address.replace(b"$", b"\n")
    return _POSTAL_ESCAPE.sub(lambda found: b"$" if found.group(1) == b"24" else b"\\", lines)
