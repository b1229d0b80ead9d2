"""The demo: three organizations, one address book; scripts/demo builds and then runs this.

What happens is in `changes.py`; how it is seen that everything arrived, in `watch.py`.
"""

import argparse
import concurrent.futures
import contextlib
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import changes
from postfix import Postfix
from processes import Failure
from services import Organization, Service
from slapd import REPOSITORY, Slapd, free_ports
from watch import Watch

# The master first.
ORGANIZATIONS = (
    Organization("headquarters", "dc=hq,dc=example", "master"),
    Organization("branch-a", "dc=a,dc=example", "requestor"),
    Organization("branch-b", "dc=b,dc=example", "requestor"),
)
MEMORY_BYTES_MAX = 150 * 1024 * 1024


def ldif_file(organization, entries, folder):
    """The fixture of an organization, or one generated with as many entries as asked for."""
    if entries is None:
        return REPOSITORY / "fixtures" / f"{organization.name}.ldif"
    path = folder / f"{organization.name}.ldif"
    with open(path, "wb") as output:
        subprocess.run([sys.executable, REPOSITORY / "fixtures" / "generate", "--organization", organization.name,
                        "--suffix", organization.suffix, "--entries", str(entries), "--awkward"],
                       stdout=output, check=True)
    return path


def demonstrate(watch, services):
    """The whole story, from three address books to one."""
    for service in services:
        service.start()
    watch.say("started: " + ", ".join(f"{service.name} ({service.organization.role})" for service in services))
    watch.everything_arrived("first full exchange")
    check_sealed(watch, services)
    for change in changes.ONE_BY_ONE:
        watch.one_change_arrives(change)
    master, branches = services[0], services[1:]
    watch.say(f"{master.name}: the master is stopped")
    master.stop()
    for directory in watch.directories:
        directory.change(changes.WHILE_MASTER_IS_AWAY[directory.organization](directory.export_base))
        watch.say(f"{directory.organization}: changed while the master is away")
    watch.changes_wait(branches)
    master.start()
    watch.say(f"{master.name}: the master is back")
    watch.everything_arrived("all that was changed meanwhile")
    watch.one_more_cycle_changes_nothing()
    entries = watch.everything_arrived("last comparison of everything")
    watch.no_problems()
    for service in services:
        service.stop()
    report_memory(watch, services)
    watch.say(f"{time.monotonic() - watch.started:.1f} s in all")
    return entries


def check_sealed(watch, services):
    """Fails if a service's mail is neither signed nor encrypted. All others also refuse to take such mail."""
    for service in services:
        if not service.status()["isSealed"]:
            raise Failure(f"{service.name} neither signs nor encrypts its mail: its configuration says insecure: true")
    watch.say("every service says that its mail is signed and encrypted")


def check_mail(watch, servers):
    """Says what each mail server has handed over, and fails unless every mail was encrypted, as the server saw it."""
    for server in servers:
        unsealed = server.unsealed()
        if unsealed:
            raise Failure(f"mail server {server.name} handed over {len(unsealed)} mails that are not encrypted S/MIME "
                          f"messages; the first of them is {unsealed[0]}")
        if not server.delivered():
            raise Failure(f"mail server {server.name} handed over no mail at all")
        watch.say(f"mail server {server.name}: {server.delivered()} mails handed over, all encrypted S/MIME messages")


def report_memory(watch, services):
    """Says what each service needed, and fails above the limit."""
    for service in services:
        watch.say(f"{service.name}: peak memory {service.peak_memory_bytes / 1024 / 1024:.0f} MiB")
    for service in services:
        if service.peak_memory_bytes > MEMORY_BYTES_MAX:
            raise Failure(f"{service.name} needed {service.peak_memory_bytes / 1024 / 1024:.0f} MiB of memory at its "
                          f"peak; {MEMORY_BYTES_MAX / 1024 / 1024:.0f} MiB are allowed")


def exchange_keys(services):
    """Each makes its key; the master and each branch trust each other by their fingerprints."""
    fingerprints = {service: service.create_key() for service in services}
    master, branches = services[0], services[1:]
    for branch in branches:
        branch.trust(master, fingerprints[master])
        master.trust(branch, fingerprints[branch])


def mail_servers(services, folder):
    """Two servers: that of the master organization, and that of the branches. One for each service, in their order."""
    ports = free_ports(2)
    sides = (services[:1], services[1:])
    servers = []
    for index, name in enumerate(("mail.hq.example", "mail.branches.example")):
        others = [service.organization.address.partition("@")[2] for service in sides[1 - index]]
        recipients = {service.organization.address: service.port for service in sides[index]}
        routes = {domain: ports[1 - index] for domain in others}
        servers.append(Postfix(name, folder / name, ports[index], recipients, routes))
    return [servers[0]] + [servers[1]] * len(sides[1])


def run(binary, entries, folder, mail):
    """Sets the stage in `folder`, plays, and leaves nothing running."""
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        files = list(pool.map(lambda one: ldif_file(one, entries, folder), ORGANIZATIONS))
    with contextlib.ExitStack() as stack:
        slapds = [stack.enter_context(Slapd(one.name, one.suffix, folder / one.name / "slapd", [file]))
                  for one, file in zip(ORGANIZATIONS, files)]
        services = [Service(binary, one, folder / one.name, slapd, port)
                    for one, slapd, port in zip(ORGANIZATIONS, slapds, free_ports(len(ORGANIZATIONS)))]
        servers = mail_servers(services, folder) if mail == "postfix" else [None] * len(services)
        for server in dict.fromkeys(server for server in servers if server):
            stack.enter_context(server)
        for service, server in zip(services, servers):
            service.configure(services, server)
            stack.callback(service.abandon)
        exchange_keys(services)
        watch = Watch(slapds, services, started)
        watch.say("keys made and exchanged")
        watch.say("three directories: " + ", ".join(
            f"{slapd.organization} at {slapd.directory.url} with {watch.home(slapd.directory).count()} entries"
            for slapd in slapds))
        for server in dict.fromkeys(server for server in servers if server):
            watch.say(f"mail server {server.name} at {server.url}")
        try:
            entries = demonstrate(watch, services)
            check_mail(watch, dict.fromkeys(server for server in servers if server))
            return entries
        except Failure:
            for service in services:
                if service.last_words():
                    print(f"--- the end of {service.name}'s log\n{service.last_words()}", file=sys.stderr)
            raise


def terminated(*_):
    """SIGTERM and SIGHUP end the demo like any other exit: what it started is ended first."""
    raise SystemExit(143)


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Shows InterOrg Sync at work.")
    parser.add_argument("--binary", required=True, type=pathlib.Path)
    parser.add_argument("--entries", type=int, metavar="N")
    parser.add_argument("--mail", choices=["direct", "postfix"], default="direct")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    if arguments.entries is not None and arguments.entries < 50:
        parser.error("--entries has to be 50 or more: the entries that are changed are among them")
    # Explicitly: a shell starts what is in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGHUP, terminated)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="interorg-demo."))
    try:
        entries = run(arguments.binary.resolve(), arguments.entries, folder, arguments.mail)
        print(f"converged: {len(ORGANIZATIONS)} directories, {entries} entries, 0 problems", flush=True)
        return 0
    except (Failure, subprocess.CalledProcessError) as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    finally:
        if arguments.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
