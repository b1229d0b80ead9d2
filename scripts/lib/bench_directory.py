"""How fast one directory is copied into another, and how much a synchronization with little or no news costs.

Peers are measured in the same run, in turn, on private slapds of the same configuration; what counts is the ratio.
"""

import argparse
import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from processes import Failure, program, wait_until
from slapd import LDAP_ENVIRONMENT, REPOSITORY, Slapd

SUFFIX = "dc=copy,dc=example"
IDLE_ROUNDS = 30
CHANGED_ENTRIES = 1000

CONSUMER = """\
syncrepl rid=1 provider={url} type=refreshOnly interval=01:00:00:00 searchbase="{suffix}"
  bindmethod=simple binddn="{bind}" credentials={password} schemachecking=off
"""


class Bench:
    """The folder, the source and the program under test."""

    def __init__(self, folder, copy, entries):
        self.folder = folder
        self.copy = copy
        self.entries = entries
        self._count = 0

    def place(self, name):
        """A new folder."""
        self._count += 1
        return self.folder / f"{self._count}-{name}"

    def source(self):
        return Slapd("source", SUFFIX, self.place("source"), [self._ldif(self.entries)])

    def destination(self, durable, more="", is_empty=False):
        files = [] if is_empty else [self._ldif(0)]
        return Slapd("destination", SUFFIX, self.place("destination"), files, durable=durable, more=more)

    def _ldif(self, entries):
        path = self.folder / f"{entries}.ldif"
        if not path.exists():
            with open(path, "wb") as output:
                subprocess.run([sys.executable, REPOSITORY / "fixtures" / "generate", "--organization", "copy",
                                "--suffix", SUFFIX, "--entries", str(entries)], stdout=output, check=True)
        return path

    def synchronize(self, source, destination, state, rounds=1, options=()):
        """What DirectoryCopy says of each round."""
        result = subprocess.run(
            [self.copy, "--from", source.directory.url, "--from-bind", source.connector_dn,
             "--from-password-file", source.connector_file, "--base", source.directory.export_base,
             "--to", destination.directory.url, "--to-bind", destination.connector_dn,
             "--to-password-file", destination.connector_file, "--import-base", destination.directory.import_base,
             "--state", state, "--rounds", str(rounds), *options], capture_output=True, check=False)
        if result.returncode != 0:
            raise Failure(f"DirectoryCopy ended with {result.returncode}: {result.stderr.decode()[-2000:]}")
        reports = [json.loads(line) for line in result.stdout.splitlines()]
        if any(report["refused"] or report["held"] for report in reports):
            raise Failure(f"DirectoryCopy could not import everything: {reports}")
        return reports


def copy_by_syncrepl(bench, source, durable):
    """Seconds of a consumer's first refresh."""
    password = pathlib.Path(source.administrator_file).read_text(encoding="ascii")
    more = CONSUMER.format(url=source.directory.url, suffix=SUFFIX, bind=source.administrator_dn, password=password)
    wanted = source.directory.context_csn()
    begin = time.monotonic()
    with bench.destination(durable, more, is_empty=True) as consumer:
        if not wait_until(lambda: consumer.directory.context_csn() == wanted, 900, every=0.2):
            raise Failure("the syncrepl consumer did not catch up within 15 minutes")
        seconds = time.monotonic() - begin
        expect(bench, consumer, consumer.directory.export_base)
    return seconds


def copy_by_ldapadd(bench, source, durable):
    """Seconds of `ldapsearch | ldapadd`."""
    with bench.destination(durable) as destination:
        destination.directory.change(f"dn: {destination.directory.export_base}\nchangetype: delete\n")
        arguments = ["-x", "-D", source.administrator_dn, "-y"]
        begin = time.monotonic()
        with subprocess.Popen(
                [program("ldapsearch"), *arguments, source.administrator_file, "-H", source.directory.url, "-LLL",
                 "-o", "ldif-wrap=no", "-b", source.directory.export_base], stdout=subprocess.PIPE,
                env=LDAP_ENVIRONMENT) as search:
            added = subprocess.run(
                [program("ldapadd"), *arguments, destination.administrator_file, "-H", destination.directory.url],
                stdin=search.stdout, capture_output=True, env=LDAP_ENVIRONMENT, check=False)
        seconds = time.monotonic() - begin
        if added.returncode != 0:
            raise Failure(f"ldapadd ended with {added.returncode}: {added.stderr.decode()[-500:]}")
        expect(bench, destination, destination.directory.export_base)
    return seconds


def copy_by_us(bench, source, durable, options=()):
    """Seconds and peak memory of a first synchronization."""
    with bench.destination(durable) as destination:
        state = bench.place("state.sqlite")
        begin = time.monotonic()
        report = bench.synchronize(source, destination, state, options=options)[0]
        seconds = time.monotonic() - begin
        expect(bench, destination, destination.directory.import_base)
    return seconds, report["peakMemoryBytes"]


def expect(bench, slapd, base):
    """The copy is whole; the base and, in ours, the organization's container do not count."""
    found = slapd.directory.count(base, "(!(|(entryDN=" + base + ")(entryDN=ou=source," + base + ")))")
    if found != bench.entries:
        raise Failure(f"the copy has {found} entries, not {bench.entries}")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench directory", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("nosync", "durable"))
    parser.add_argument("--ours", action="store_true", help="only ours, to see what a change of ours brings")
    parser.add_argument("--copy", type=pathlib.Path, required=True, help="the program DirectoryCopy")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interorg-bench-") as folder:
        bench = Bench(pathlib.Path(folder), options.copy, options.entries)
        with bench.source() as source:
            for durable in (False, True):
                if options.only and durable != (options.only == "durable"):
                    continue
                times = {}
                for _ in range(options.rounds):
                    if not options.ours:
                        times.setdefault("syncrepl", []).append(copy_by_syncrepl(bench, source, durable))
                        times.setdefault("ldapadd", []).append(copy_by_ldapadd(bench, source, durable))
                    for name, arguments in (("ours", ["--transactions", "auto"]), ("ours without transactions", [])):
                        seconds, memory = copy_by_us(bench, source, durable, arguments)
                        times.setdefault(name, []).append(seconds)
                print("durable" if durable else "nosync",
                      {name: [round(value, 2) for value in values] for name, values in times.items()},
                      {name: round(bench.entries / statistics.median(values)) for name, values in times.items()},
                      memory >> 20, flush=True)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
