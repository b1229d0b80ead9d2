"""Compares every directory with every other, with ldapsearch alone.

From an organization's own directory follows what the General page of each of its entries shows, where the entry is to
be found and under which name (`home.py`). That is compared, byte for byte, with what lies under `ou=<organization>` in
another directory.
"""

import collections
import gc
import multiprocessing
import signal
import uuid

import names
from home import CONTAINER, GROUP, PERSON, Home

ORGANIZATION_NAMESPACE = uuid.UUID("7f1c5f0e-6c55-5a54-9c39-6b6f0f7a8f3d")
STAMP = ("interorgorganizationid", "interorgentryuuid")
CLASSES = {
    PERSON: ({"inetorgperson", "interorgentry"}, {"top", "person", "organizationalperson", "interorggeneralpage"}),
    CONTAINER: ({"organizationalunit", "interorgentry"}, {"top"}),
    GROUP: ({"groupofnames", "interorgentry"}, {"top"}),
}
DIFFERENCES_MAX = 200


def organization_id(organization):
    """The organization ID that a name stands for where the configuration gives none."""
    return str(uuid.uuid5(ORGANIZATION_NAMESPACE, organization))


class Abroad:
    """One organization's entries in the directory of another."""

    def __init__(self, home_organization, organization_uuid, directory):
        self.organization = home_organization
        self.organization_uuid = organization_uuid.lower()
        self.directory = directory
        self.base = f"ou={names.escaped(home_organization)},{directory.import_base}"
        self._paths = names.PathReader(self.base)

    def compare_all(self, expected):
        """Differences between all that is expected (by entry UUID) and all that is there; at most `DIFFERENCES_MAX`."""
        differences = []
        found = {}
        groups = []
        for entry in self.directory.search(self.base, attributes=("*",), absent_is_empty=True):
            if self._paths.path(entry.dn) == ():
                continue
            wanted = expected.get(self._entry_uuid(entry))
            if wanted is None or wanted.entry_uuid in found:
                why = "belongs to no entry of" if wanted is None else "is there twice, for one entry of"
                differences.append(f"entry {_text(entry.dn)} in the directory of {self.directory.organization} {why} "
                                   f"{self.organization}")
                continue
            found[wanted.entry_uuid] = entry.dn
            if wanted.kind == GROUP:
                groups.append((wanted, entry))
            differences += self._differences(wanted, entry)
            if len(differences) > DIFFERENCES_MAX:
                return differences[:DIFFERENCES_MAX]
        missing = [wanted for key, wanted in expected.items() if key not in found]
        differences += [f"entry {wanted} is missing in the directory of {self.directory.organization}"
                        for wanted in missing[:DIFFERENCES_MAX]]
        by_dn = names.Index()
        for key, dn in found.items():
            by_dn[dn] = key
        for wanted, entry in groups:
            differences += self._member_differences(wanted, entry, by_dn.get)
        return differences[:DIFFERENCES_MAX]

    def compare(self, wanted):
        """Differences of one entry."""
        entries = self._stamped(wanted.entry_uuid)
        if len(entries) != 1:
            how = "is missing" if not entries else f"is there {len(entries)} times"
            return [f"entry {wanted} {how} in the directory of {self.directory.organization}"]
        differences = self._differences(wanted, entries[0])
        if wanted.kind == GROUP:
            differences += self._member_differences(wanted, entries[0], self._look_up)
        return differences

    def compare_absent(self, entry_uuid):
        """Differences: an entry that has been deleted at home and is still here."""
        return [f"entry {_text(entry.dn)} is still in the directory of {self.directory.organization}, and was deleted "
                f"in that of {self.organization}" for entry in self._stamped(entry_uuid)]

    def count(self):
        """How many imported entries there are."""
        return self.directory.count(self.base, f"(interorgOrganizationID={self.organization_uuid})")

    def _stamped(self, entry_uuid):
        found = self.directory.search(self.base, f"(interorgEntryUUID={entry_uuid})", absent_is_empty=True)
        return [entry for entry in found if self._entry_uuid(entry) == entry_uuid]

    def _entry_uuid(self, entry):
        stamp = entry.first("interorgorganizationid")
        if stamp is None or stamp.decode().lower() != self.organization_uuid:
            return None
        return (entry.first("interorgentryuuid") or b"").decode().lower()

    def _look_up(self, dn):
        for entry in self.directory.search(dn.decode(), attributes=STAMP, scope="base", absent_is_empty=True):
            return self._entry_uuid(entry)
        return None

    def _member_differences(self, wanted, entry, look_up):
        found = {look_up(dn) for dn in entry.values("member")}
        if found == wanted.members:
            return []
        return [f"entry {wanted} differs in the directory of {self.directory.organization}: members (by entryUUID) "
                f"expected {sorted(wanted.members)}, found {sorted(map(str, found))}"]

    def _differences(self, wanted, entry):
        result = []
        actual = entry.attributes
        for name, values in wanted.attributes.items():
            there = actual.get(name, [])
            if there != values and (name == "mail" or sorted(there) != sorted(values)):
                result.append((name, _shown(values), _shown(there)))
        required, allowed = CLASSES[wanted.kind]
        classes = {name.decode().lower() for name in actual.get("objectclass", ())}
        if not required <= classes or classes - required - allowed:
            result.append(("objectClass", ", ".join(sorted(required)), ", ".join(sorted(classes))))
        others = actual.keys() - wanted.attributes.keys() - {"objectclass", *STAMP}
        if wanted.kind == PERSON:
            others.discard("cn")
            if not _names_fit(wanted.common_names, actual.get("cn", [])):
                result.append(("cn", _shown(wanted.common_names), _shown(actual.get("cn", []))))
        elif wanted.kind == GROUP:
            others.discard("member")
        result += [(name, "nothing", _shown(actual[name])) for name in sorted(others)]
        if names.rdn(entry.dn) != wanted.rdn:
            result.append(("its name", "=".join(map(_text, wanted.rdn)), "=".join(map(_text, names.rdn(entry.dn)))))
        path = self._paths.path(names.split(entry.dn)[1])
        if path != wanted.path:
            result.append(("its place", _place(wanted.path), _place(path)))
        if not result:
            return result
        return [f"entry {wanted} differs in the directory of {self.directory.organization}: {name} expected "
                f"{expected}, found {found}" for name, expected, found in result]


def _names_fit(wanted, found):
    """cn holds exactly the wanted values; of two that are the same to a directory (caseIgnoreMatch), one is enough."""
    if sorted(found) == sorted(wanted):
        return True
    return len({names.folded(value) for value in wanted}) < len(wanted) and len(found) == 1 and found[0] in wanted


def strangers(directory, organizations):
    """Differences: entries directly below the import base that are not `ou=<another organization>`."""
    others = {names.folded(name.encode()) for name in organizations} - {names.folded(directory.organization.encode())}
    found = directory.search(directory.import_base, attributes=("1.1",), scope="one", absent_is_empty=True)
    return [f"entry {_text(entry.dn)} does not belong below the import base of {directory.organization}"
            for entry in found if names.rdn(entry.dn)[0] != "ou" or names.folded(names.rdn(entry.dn)[1]) not in others]


Comparison = collections.namedtuple("Comparison", ["differences", "entries"])


def compare_all(directories, connector_dns=None):
    """Compares every directory with every other, completely, with a process for each organization.

    `connector_dns`, if given, maps an organization to the DN that its connector binds with: none of the organization's
    own entries may have been changed by it. Gives the differences, for a person, and the number of entries in the
    address book.
    """
    tasks = [(home, [other for other in directories if other is not home],
              (connector_dns or {}).get(home.organization)) for home in directories]
    context = multiprocessing.get_context("fork")
    with context.Pool(len(tasks), _leave_signals_to_parent) as pool:
        results = pool.starmap(_compare_organization, tasks, chunksize=1)
    differences = [difference for result in results for difference in result.differences]
    for directory in directories:
        differences += strangers(directory, [one.organization for one in directories])
    return Comparison(differences, sum(result.entries for result in results))


def _leave_signals_to_parent():
    # The terminal sends Ctrl-C to all; the parent then ends the pool.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _compare_organization(home, others, connector_dn):
    # Millions of objects that no cycle holds: looking for cycles would only take time.
    gc.disable()
    expected, differences = Home(home).read_all(connector_dn)
    for other in others:
        abroad = Abroad(home.organization, organization_id(home.organization), other)
        differences += abroad.compare_all(expected)
    return Comparison(differences, len(expected))


def _text(value):
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _shown(values):
    return " | ".join(repr(_text(value)) for value in values) or "nothing"


def _place(path):
    if path is None:
        return "somewhere else"
    return ",".join("=".join(map(_text, rdn)) for rdn in path) or "directly below the organization"
