"""How fast one directory is copied into another, and how much a synchronization with little or no news costs.

Peers are measured in the same run, in turn, on private slapds of the same configuration; what counts is the ratio.
"""

import argparse
import base64
import contextlib
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from processes import Failure, program, wait_until
from slapd import LDAP_ENVIRONMENT, REPOSITORY, Slapd, free_ports

SUFFIX = "dc=copy,dc=example"
IDLE_ROUNDS = 30
CHANGED_ENTRIES = 1000

# A server whose administrator can make it a consumer while it runs: copying does not include its start.
RECONFIGURABLE = f"""\
database config
access to * by dn.exact="cn=admin,{SUFFIX}" manage by * none
"""

CONSUMER = """\
dn: olcDatabase={{1}}mdb,cn=config
changetype: modify
add: olcSyncrepl
olcSyncrepl: rid=1 provider={url} type=refreshOnly interval=01:00:00:00 searchbase="{suffix}"
  bindmethod=simple binddn="{bind}" credentials={password} schemachecking=off
"""


class Bench:
    """The folder, the programs under test, and how many entries there are."""

    _count = itertools.count()

    def __init__(self, folder, copy, interorg, entries):
        self.folder = folder
        self.copy = copy
        self.interorg = interorg
        self.entries = entries

    def place(self, name):
        """The path of something new."""
        return self.folder / f"{next(self._count)}-{name}"

    def source(self):
        return Slapd("source", SUFFIX, self.place("source"), [self.ldif(self.entries)])

    def destination(self, durable, more="", is_empty=False):
        files = [] if is_empty else [self.ldif(0)]
        return Slapd("destination", SUFFIX, self.place("destination"), files, durable=durable, more=more)

    def ldif(self, entries):
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
    text = CONSUMER.format(url=source.directory.url, suffix=SUFFIX, bind=source.administrator_dn, password=password)
    wanted = source.directory.context_csn()
    with bench.destination(durable, RECONFIGURABLE, is_empty=True) as consumer:
        begin = time.monotonic()
        consumer.directory.change(text)
        if not context_csn_arrives(consumer, wanted, 900):
            raise Failure("the syncrepl consumer did not catch up within 15 minutes")
        seconds = time.monotonic() - begin
        expect(bench, consumer, consumer.directory.export_base)
    return seconds


def context_csn_arrives(slapd, wanted, seconds):
    """Waits until the contextCSN values are those wanted. Asks every 20 ms, which costs little: one ldapsearch searches
    once for each line that it is given."""
    arguments = [program("stdbuf"), "-oL", program("ldapsearch"), "-x", "-D", slapd.administrator_dn,
                 "-y", slapd.administrator_file, "-H", slapd.directory.url, "-LLL", "-o", "ldif-wrap=no", "-b", SUFFIX,
                 "-s", "base", "-c", "-f", "-", "(objectClass=%s)", "contextCSN"]
    with subprocess.Popen(arguments, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=LDAP_ENVIRONMENT) as search:
        os.set_blocking(search.stdout.fileno(), False)

        def arrived():
            search.stdin.write(b"*\n")
            said = search.stdout.read() or b""
            if b"Can't contact LDAP server" in said:
                raise Failure(f"slapd of {slapd.organization} does not answer any more")
            return all(csn in said for csn in wanted)

        try:
            return wait_until(arrived, seconds, every=0.02)
        except BrokenPipeError as error:
            raise Failure(f"ldapsearch ended with {search.wait()} while it was asking for contextCSN") from error
        finally:
            search.kill()


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


def measure_copies(bench, peers, rounds):
    """Medians of seconds by (name, durable), and the peak memory of ours; each round measures everybody in turn."""
    times, memory = {}, 0
    with bench.source() as source:
        for number in range(rounds):
            for durable in (False, True):
                measured = {name: copy(bench, source, durable) for name, copy in peers.items()}
                measured["ours"], peak = copy_by_us(bench, source, durable, ["--transactions", "auto"])
                measured["ours one by one"], _ = copy_by_us(bench, source, durable)
                memory = max(memory, peak)
                for name, seconds in measured.items():
                    times.setdefault((name, durable), []).append(seconds)
                say(f"copy of {bench.entries}, round {number + 1}, {'durable' if durable else 'nosync'}: " +
                    ", ".join(f"{name} {seconds:.1f} s" for name, seconds in measured.items()))
    return {key: statistics.median(values) for key, values in times.items()}, memory


def people(directory, count):
    """The DNs of some people, as LDIF has them."""
    found = directory.search(directory.export_base, "(uid=*)", attributes=("1.1",))
    return ["dn:: " + base64.b64encode(entry.dn).decode("ascii") for entry in itertools.islice(found, count)]


def measure_idle(bench, source, destination, state):
    """Milliseconds of a synchronization with nothing new, after a first one that makes the copy."""
    bench.synchronize(source, destination, state, options=["--transactions", "auto"])
    idle = [report["seconds"] * 1000 for report in bench.synchronize(source, destination, state, IDLE_ROUNDS + 1)]
    return statistics.median(idle[1:])


def measure_idle_alone(bench):
    """The same, with directories of its own."""
    with bench.source() as source, bench.destination(True) as destination:
        return measure_idle(bench, source, destination, bench.place("state.sqlite"))


def measure_changes(bench, rounds):
    """Milliseconds of a synchronization with nothing new; how long 1,000 changes, a delete and a rename take in
    comparison with ldapmodify; milliseconds of a whole `interorg sync` with nothing new."""
    ratios = []
    with bench.source() as source, bench.destination(True) as destination, \
            Slapd("peer", SUFFIX, bench.place("peer"), [bench.ldif(bench.entries)], durable=True) as peer:
        state = bench.place("state.sqlite")
        idle = measure_idle(bench, source, destination, state)
        dns = people(source.directory, CHANGED_ENTRIES + 2 * rounds)
        for number in range(rounds):
            leaving, renamed = dns[CHANGED_ENTRIES + 2 * number:][:2]
            text = "".join(f"{dn}\nchangetype: modify\nreplace: title\ntitle: Round {number}\n\n"
                           for dn in dns[:CHANGED_ENTRIES])
            text += f"{leaving}\nchangetype: delete\n\n"
            text += f"{renamed}\nchangetype: modrdn\nnewrdn: uid=renamed{number}\ndeleteoldrdn: 1\n"
            source.directory.change(text)
            begin = time.monotonic()
            peer.directory.change(text)
            theirs = time.monotonic() - begin
            report = bench.synchronize(source, destination, state)[0]
            if report["imported"] < CHANGED_ENTRIES + 2:
                raise Failure(f"not all changes were found: {report}")
            ratios.append(report["seconds"] / theirs)
            say(f"{CHANGED_ENTRIES} changes, a delete and a rename: ours {report['seconds']:.2f} s, "
                f"ldapmodify {theirs:.2f} s")
        process = measure_process(bench, source) if bench.interorg else None
    return idle, statistics.median(ratios), process


CONFIGURATION = """\
organization: bench
role: master
state: {state}
directory:
  url: {url}
  bind: {{ dn: "{bind}", passwordFile: {password_file} }}
  export: [{{ base: "{base}" }}]
exchange:
  insecure: true
  address: interorg@bench.example
  smtp: {{ url: "smtp://127.0.0.1:{port}" }}
  inbox: {{ smtp: "127.0.0.1:{port}" }}
  requestors: [{{ organization: nobody, address: interorg@nobody.example }}]
schedule: {{ every: 1d }}
"""


def measure_process(bench, source):
    """Milliseconds of a whole `interorg sync` with nothing new."""
    folder = bench.place("service")
    (folder / "state").mkdir(mode=0o700, parents=True)
    configuration = folder / "interorg.yaml"
    configuration.write_text(CONFIGURATION.format(
        state=folder / "state", url=source.directory.url, bind=source.connector_dn,
        password_file=source.connector_file, base=source.directory.export_base, port=free_ports(1)[0]),
        encoding="utf-8")
    times = []
    for _ in range(6):
        begin = time.monotonic()
        result = subprocess.run([bench.interorg, "sync", "--config", configuration], capture_output=True, check=False)
        times.append((time.monotonic() - begin) * 1000)
        if result.returncode != 0:
            raise Failure(f"interorg sync ended with {result.returncode}: {result.stderr.decode()[-500:]}")
    # The first one has exported everything.
    return statistics.median(times[1:])


def say(text):
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench directory", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of every measurement; medians count")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--copy", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--interorg", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    small = min(options.entries, 20_000)
    figures = {"entries": options.entries}
    with tempfile.TemporaryDirectory(prefix="interorg-bench-") as folder:
        def bench(entries):
            return Bench(pathlib.Path(folder), options.copy, options.interorg, entries)

        times, small_memory = measure_copies(
            bench(small), {"syncrepl": copy_by_syncrepl, "ldapadd": copy_by_ldapadd}, options.rounds)
        for durable, name in ((True, "durable"), (False, "nosync")):
            figures[f"copy.{name}.times_syncrepl"] = times["syncrepl", durable] / times["ours", durable]
        memory = small_memory
        if options.entries > small:
            times, memory = measure_copies(bench(options.entries), {"ldapadd": copy_by_ldapadd}, options.rounds)
        for durable, name in ((True, "durable"), (False, "nosync")):
            figures[f"copy.{name}.times_ldapadd"] = times["ldapadd", durable] / times["ours", durable]
            figures[f"copy.{name}.transactions_times_one_by_one"] = \
                times["ours one by one", durable] / times["ours", durable]
        figures["copy.memory_mib"] = memory / 2**20
        figures["copy.memory_growth"] = memory / small_memory - 1
        few = measure_idle_alone(bench(min(options.entries, 10_000)))
        idle, delta, process = measure_changes(bench(options.entries), options.rounds)
        figures.update({"idle.exchange_ms": idle, "idle.growth_ms": idle - few, "idle.process_ms": process,
                        "delta.times_ldapmodify": delta})
    for name, figure in figures.items():
        say(f"{name:40} {figure:10.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        try:
            main()
        except Failure as failure:
            sys.exit(f"bench: {failure}")
        except KeyboardInterrupt:
            sys.exit("bench: interrupted")
