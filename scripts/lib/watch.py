"""Waits until changes have arrived, checks with ldapsearch that they have, and says so."""

import json
import time

import addressbook
from processes import Failure, wait_until

CHANGE_SECONDS_MAX = 30
# What is still on its way after all entries are there: members of groups, for instance.
SETTLING_SECONDS_MAX = 30
# The first answer may be to a request from before; the second is not.
ANSWERS = 2
DIFFERENCES_SHOWN = 10


class Watch:
    """Sees the three directories and the three services from outside."""

    def __init__(self, slapds, services, started):
        """Both in the same order, that of the master organization first; `started` is when the demo began."""
        self.started = started
        self.directories = [slapd.directory for slapd in slapds]
        self._connector_dns = {slapd.organization: slapd.connector_dn for slapd in slapds}
        self._services = services

    def say(self, text):
        """One line, with the time of day and the seconds since the beginning."""
        print(f"{time.strftime('%H:%M:%S')} {time.monotonic() - self.started:7.1f} s  {text}", flush=True)

    def home(self, directory):
        """What a directory has of its own."""
        return addressbook.Home(directory)

    def others(self, directory):
        """What the other directories have of it."""
        organization = directory.organization
        return [addressbook.Abroad(organization, addressbook.organization_id(organization), other)
                for other in self.directories if other is not directory]

    def everything_arrived(self, what):
        """Waits until all three directories show the same, to the last byte; gives the number of entries."""
        begun = time.monotonic()
        counts = {directory: self.home(directory).count() for directory in self.directories}
        total = sum(counts.values())
        # Counting takes time from those who work: the larger, the rarer.
        if not self._wait(lambda: self._counts_fit(counts), 60 + total / 300, every=min(4, 0.2 + total / 15_000)):
            raise Failure(f"{what}: not all entries arrived in {time.monotonic() - begun:.0f} s; "
                          + self._shown(addressbook.compare_all(self.directories).differences))
        counted = time.monotonic() - begun
        comparison = None

        def equal():
            nonlocal comparison
            comparison = addressbook.compare_all(self.directories, self._connector_dns)
            return not comparison.differences

        if not self._wait(equal, SETTLING_SECONDS_MAX + total / 2_000, every=0.3):
            raise Failure(f"{what}: " + self._shown(comparison.differences))
        self.say(f"{what}: {comparison.entries} entries are the same in {len(self.directories)} directories after "
                 f"{counted:.1f} s (compared in {time.monotonic() - begun - counted:.1f} s)   {self._usns()}")
        return comparison.entries

    def one_change_arrives(self, change):
        """Makes a change in one directory and sees it arrive in the others, or, if it is not to travel, sees that
        nothing moves."""
        directory = next(one for one in self.directories if one.organization == change.organization)
        base = directory.export_base
        gone = [self._entry_uuid(directory, dn) for dn in change.gone(base)]
        placed = self._own_uuids(directory, change.renamed(base))
        usn = self._master_usn()
        contexts = self._contexts()
        begun = time.monotonic()
        directory.change(change.ldif(base))
        if change.travels:
            self._arrived(change, directory, gone)
        else:
            self._cycles()
            self._nothing_moved(change.what, usn, contexts, except_in=directory)
        seconds = time.monotonic() - begun
        if placed and placed != self._own_uuids(directory, change.renamed_to(base)):
            raise Failure(f"{change.what}: the entry was deleted and made anew elsewhere, not renamed")
        now = self._master_usn()
        if change.travels and now <= usn:
            raise Failure(f"{change.what}: it arrived, and the master's USN stayed {usn}")
        outcome = "arrived everywhere" if change.travels else "nothing travelled"
        self.say(f"{change.organization}: {change.what}: {outcome} ({seconds:.1f} s)   USN {usn} -> {now}")

    def changes_wait(self, services):
        """Waits until each of the services has changes that nobody has acknowledged."""
        def waiting():
            states = [service.status() for service in services]
            return all(state["exportSequence"] > state["exportAcknowledged"] for state in states)

        if not self._wait(waiting, CHANGE_SECONDS_MAX, every=0.2):
            raise Failure("changes were made while the master was away, and a requestor's journal has none that waits")
        self.say("the branches keep their changes until the master is back")

    def one_more_cycle_changes_nothing(self):
        """Lets everybody go round again: no directory may be written, no USN given."""
        usn, contexts = self._master_usn(), self._contexts()
        self._cycles()
        self._nothing_moved("one more cycle of everybody", usn, contexts)
        self.say(f"one more cycle of everybody: no directory was written, USN {usn} -> {self._master_usn()}")

    def no_problems(self):
        """No service may have a problem or hold anything."""
        for service in self._services:
            state = service.status()
            if state["problems"] or state["held"]:
                listed = json.dumps(service.problems(), ensure_ascii=False, indent=2)
                raise Failure(f"{service.name} has {state['problems']} problems and holds {state['held']}: {listed}")

    def _wait(self, condition, seconds, every):
        def checked():
            for service in self._services:
                service.check()
            return condition()

        return wait_until(checked, seconds, every)

    def _counts_fit(self, counts):
        return all(abroad.count() == count
                   for directory, count in counts.items() for abroad in self.others(directory))

    def _arrived(self, change, directory, gone):
        home = self.home(directory)
        wanted = []
        for dn in change.there(directory.export_base):
            expected = home.read(dn)
            if expected is None:
                raise Failure(f"{change.what}: {dn} is not in the directory of {directory.organization}")
            wanted.append(expected)
        differences = []

        def arrived():
            differences.clear()
            for abroad in self.others(directory):
                for expected in wanted:
                    differences.extend(abroad.compare(expected))
                for entry_uuid in gone:
                    differences.extend(abroad.compare_absent(entry_uuid))
            return not differences

        if not self._wait(arrived, CHANGE_SECONDS_MAX, every=0.1):
            raise Failure(f"{change.what}: " + self._shown(differences))
        if not self._wait(lambda: self._counts_fit({directory: home.count()}), CHANGE_SECONDS_MAX, every=0.1):
            raise Failure(f"{change.what}: it arrived, and the numbers of entries differ; "
                          + self._shown(addressbook.compare_all(self.directories).differences))

    def _nothing_moved(self, what, usn, contexts, except_in=None):
        for directory, before in contexts.items():
            if directory is not except_in and directory.context_csn() != before:
                raise Failure(f"{what}: the directory of {directory.organization} was written, and nothing had changed "
                              "on any General page")
        if self._master_usn() != usn:
            raise Failure(f"{what}: the master's USN went from {usn} to {self._master_usn()}, and nothing had changed "
                          "on any General page")

    def _cycles(self):
        """Lets everybody go round: every service reads its directory, and the master answers every requestor again."""
        for service in self._services:
            service.synchronize()
        requestors = self._services[1:]
        seen = {service: [self._last_heard(service)] for service in requestors}

        def moved_on():
            for service, moments in seen.items():
                now = self._last_heard(service)
                if now != moments[-1]:
                    moments.append(now)
            return all(len(moments) > ANSWERS for moments in seen.values())

        if not self._wait(moved_on, CHANGE_SECONDS_MAX, every=0.1):
            silent = [f"{service.name} (last heard: {moments[-1]})"
                      for service, moments in seen.items() if len(moments) <= ANSWERS]
            raise Failure("no answer from the master has come to " + ", ".join(silent))

    def _last_heard(self, requestor):
        """When a requestor last heard from the master."""
        master = self._services[0].name
        return next((one.get("lastHeard") for one in requestor.status()["organizations"]
                     if one["organization"] == master), None)

    def _contexts(self):
        return {directory: directory.context_csn() for directory in self.directories}

    def _master_usn(self):
        return self._services[0].status()["highestUSN"]

    def _usns(self):
        return "USN " + ", ".join(f"{service.name} {service.status()['highestUSN']}" for service in self._services)

    def _entry_uuid(self, directory, dn):
        for entry in directory.search(dn, attributes=("entryUUID",), scope="base"):
            return entry.first("entryuuid").decode().lower()
        raise Failure(f"{dn} has no entryUUID")

    def _own_uuids(self, directory, dn):
        """The entryUUID that the imported entry has in each of the other directories itself."""
        if dn is None:
            return None
        entry_uuid = self._entry_uuid(directory, dn)
        return [entry.first("entryuuid")
                for abroad in self.others(directory)
                for entry in abroad.directory.search(abroad.base, f"(interorgEntryUUID={entry_uuid})", ("entryUUID",))]

    def _shown(self, differences):
        more = len(differences) - DIFFERENCES_SHOWN
        shown = "\n  ".join(differences[:DIFFERENCES_SHOWN]) or "no entry differs any more"
        return shown + (f"\n  and {more} more" if more > 0 else "")
