"""How long a change takes from one organization's directory into another's, by mail, with services that run continuously."""

import contextlib
import subprocess
import threading
import time

from demo import ORGANIZATIONS, exchange_keys, ldif_file
from processes import Failure, program, wait_until
from services import Service
from slapd import LDAP_ENVIRONMENT, Slapd, free_ports
from watch import Watch

# Not in step with anything that the services do on a clock.
PAUSES = (0.11, 0.23, 0.37, 0.05)


class Arrivals:
    """Tells when a title arrives below a base: by slapd's own refreshAndPersist (RFC 4533), so that nothing polls."""

    def __init__(self, slapd):
        self._times = {}
        self._news = threading.Condition()
        directory = slapd.directory
        self._search = subprocess.Popen(
            [program("ldapsearch"), "-x", "-D", slapd.administrator_dn, "-y", slapd.administrator_file, "-H", directory.url,
             "-LLL", "-o", "ldif-wrap=no", "-E", "!sync=rp", "-b", directory.import_base, "(title=latency-*)", "title"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=LDAP_ENVIRONMENT)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._search.stdout:
            if line.startswith(b"title: latency-"):
                with self._news:
                    self._times.setdefault(line.strip()[7:].decode("ascii"), time.monotonic())
                    self._news.notify_all()

    def time(self, title, seconds=60):
        with self._news:
            if not self._news.wait_for(lambda: title in self._times, seconds):
                raise Failure(f"{title} has not arrived within {seconds} s")
            return self._times[title]

    def end(self):
        self._search.kill()
        self._search.wait()


def measure_latency(binary, entries, count, folder):
    """Seconds of each of `count` changes, from branch-a's directory into branch-b's."""
    with contextlib.ExitStack() as stack:
        slapds = [stack.enter_context(Slapd(one.name, one.suffix, folder / one.name / "slapd",
                                            [ldif_file(one, entries, folder)], durable=True))
                  for one in ORGANIZATIONS]
        services = [Service(binary, one, folder / one.name, slapd, port)
                    for one, slapd, port in zip(ORGANIZATIONS, slapds, free_ports(len(ORGANIZATIONS)))]
        for service in services:
            service.configure(services)
            service.reconfigure("schedule: { every: 1s }", "schedule: { continuous: true }")
            stack.callback(service.abandon)
        exchange_keys(services)
        for service in services:
            service.start()
        watch = Watch(slapds, services, time.monotonic())
        watch.everything_arrived("first full exchange")
        # Until the first exchange is acknowledged everywhere, requests and answers are still going to and fro.
        quiet = lambda: services[1].status()["exportAcknowledged"] == services[1].status()["exportSequence"]
        if not wait_until(quiet, 60):
            raise Failure("the first exchange is not acknowledged within a minute")
        arrivals = Arrivals(slapds[2])
        stack.callback(arrivals.end)
        directory = slapds[1].directory
        people = [entry.dn.decode("utf-8") for entry in directory.search(
            directory.export_base, "(&(uid=*)(!(title=latency-*)))", attributes=("1.1",)) if entry.dn.isascii()][:count]
        seconds = []
        for number in range(count):
            title = f"latency-{number}"
            text = f"dn: {people[number % len(people)]}\nchangetype: modify\nreplace: title\ntitle: {title}\n"
            directory.change(text)
            begin = time.monotonic()
            seconds.append(arrivals.time(title) - begin)
            time.sleep(PAUSES[number % len(PAUSES)])
        for service in services:
            service.stop()
        return seconds
