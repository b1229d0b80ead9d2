"""The services of the demo: `interorg run` as processes of their own, with configurations as a user writes them."""

import dataclasses
import json
import pathlib
import subprocess

from processes import Child, Failure, tail

MASTER_CONFIGURATION = """\
# The master organization: its own directory takes part without mail; the branches reach it by mail.
organization: {name}
role: master
state: {state}
directory:
  url: {url}
  bind: {{ dn: "{connector}", passwordFile: {password_file} }}
  export: [{{ base: "{export_base}" }}]
  import: {{ base: "{import_base}" }}
  mapping: inetOrgPerson
exchange:
  identity: {{ certificate: {name}.crt, key: {name}.key }}
  address: {address}
  # {mail_path}
  smtp: {{ url: "{smtp}" }}
  inbox: {{ {inbox}: "127.0.0.1:{port}" }}
  requestors:
{requestors}
schedule: {{ every: 1s }}
"""

REQUESTOR_CONFIGURATION = """\
# A branch organization: it sends its changes to the master by mail, and gets those of all others back.
organization: {name}
role: requestor
state: {state}
directory:
  url: {url}
  bind: {{ dn: "{connector}", passwordFile: {password_file} }}
  export: [{{ base: "{export_base}" }}]
  import: {{ base: "{import_base}" }}
  mapping: inetOrgPerson
exchange:
  identity: {{ certificate: {name}.crt, key: {name}.key }}
  address: {address}
  master: {{ address: {master_address}, organization: {master_name}, certificate: {master_name}.crt }}
  # {mail_path}
  smtp: {{ url: "{smtp}" }}
  inbox: {{ {inbox}: "127.0.0.1:{port}" }}
schedule: {{ every: 1s }}
"""

REQUESTOR_LINE = """\
    - organization: {name}
      address: {address}
      certificate: {name}.crt
      smtp: {{ url: "{smtp}" }}"""


@dataclasses.dataclass(frozen=True)
class Organization:
    """One organization of the demo."""

    name: str
    suffix: str
    role: str

    @property
    def address(self):
        """The mail address of its service: dc=a,dc=example has interorg@a.example."""
        return "interorg@" + ".".join(part.partition("=")[2] for part in self.suffix.split(","))


class Service:
    """`interorg run` of one organization, and what it says of itself."""

    def __init__(self, binary, organization, folder, slapd, port):
        self.organization = organization
        self.name = organization.name
        self.folder = pathlib.Path(folder)
        self.configuration = self.folder / "interorg.yaml"
        self.log = self.folder / "interorg.log"
        self.port = port
        self.peak_memory_bytes = 0
        self._binary = binary
        self._slapd = slapd
        self._child = None

    def configure(self, services, mail_server=None):
        """Writes the configuration; `services` are all of them, the master first. Without a mail server, mail is handed to
        the other service directly."""
        state = self.folder / "state"
        state.mkdir(mode=0o700, parents=True)
        master = services[0]
        requestors = "\n".join(
            REQUESTOR_LINE.format(name=other.name, address=other.organization.address,
                                  smtp=mail_server.url if mail_server else other.listener_url)
            for other in services[1:])
        template = MASTER_CONFIGURATION if self is master else REQUESTOR_CONFIGURATION
        directory = self._slapd.directory
        self.configuration.write_text(template.format(
            name=self.name, state=state, url=directory.url, connector=self._slapd.connector_dn,
            password_file=self._slapd.connector_file, export_base=directory.export_base,
            import_base=directory.import_base, address=self.organization.address, port=self.port,
            mail_path=("Mail leaves through the organization's mail server, which hands in here what comes."
                       if mail_server else
                       "Here there is no mail server in between: mail is handed to the other service directly."),
            smtp=mail_server.url if mail_server else services[1 if self is master else 0].listener_url,
            inbox="lmtp" if mail_server else "smtp", requestors=requestors,
            master_address=master.organization.address, master_name=master.name), encoding="utf-8")

    @property
    def listener_url(self):
        """Where the service takes mail itself, without a mail server."""
        return f"smtp://127.0.0.1:{self.port}"

    def reconfigure(self, old, new):
        """Replaces a part of the configuration, which has to be in it."""
        text = self.configuration.read_text(encoding="utf-8")
        if old not in text:
            raise Failure(f"the configuration of {self.name} has no {old}")
        self.configuration.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def certificate(self):
        """The certificate that the service signs with."""
        return self.folder / f"{self.name}.crt"

    def create_key(self):
        """Makes the service's own key; its fingerprint, as its people would read it over the telephone."""
        self._asked("keys", "create")
        keys = self._asked_for_json("keys")
        return next(key["fingerprint"] for key in keys if key["isOwn"])

    def trust(self, other, fingerprint):
        """Trusts the certificate of another service, which has this fingerprint."""
        self._asked("keys", "trust", other.name, other.certificate, "--fingerprint", fingerprint)

    def start(self):
        """Starts the process; a service that ends at once is noticed by `check`."""
        self._child = Child(f"interorg run of {self.name}",
                            [self._binary, "run", "--config", self.configuration], self.log)

    def stop(self):
        """Ends the process with SIGTERM, which it has to answer by ending in success; Failure otherwise."""
        if self._child is None:
            return
        self.check()
        self._note_memory()
        ended = self._child.stop()
        status = self._child.exit_status()
        child, self._child = self._child, None
        if not ended:
            raise Failure(f"{child.name} did not end on SIGTERM")
        if status != 0:
            raise Failure(f"{child.name} ended on SIGTERM with status {status}, not 0: {child.last_words()}")

    def abandon(self):
        """Ends the process, however it takes it."""
        if self._child is not None:
            self._child.stop(seconds=5)
            self._child = None

    def check(self):
        """A Failure if the process has ended by itself."""
        if self._child is not None and self._child.exit_status() is not None:
            raise Failure(f"{self._child.name} ended by itself with status {self._child.exit_status()}: "
                          f"{self._child.last_words()}")
        self._note_memory()

    def last_words(self):
        """The end of its log, or nothing if it has none."""
        if not self.log.exists():
            return ""
        return tail(self.log)

    def status(self):
        """What `interorg status --json` says."""
        return self._asked_for_json("status")

    def problems(self):
        """What `interorg problems --json` says."""
        return self._asked_for_json("problems")

    def synchronize(self):
        """Asks the running service for a cycle, and waits until it is over."""
        self._asked("sync")

    def _asked_for_json(self, command):
        said = self._asked(command, "--json")
        try:
            return json.loads(said)
        except ValueError as error:
            raise Failure(f"interorg {command} --json of {self.name} is not JSON: {error}") from error

    def _asked(self, command, *options):
        result = subprocess.run([self._binary, command, *options, "--config", self.configuration],
                                capture_output=True, timeout=120, check=False)
        # 1: there are problems; 3: a cycle has failed; 4: the guard holds something. The answer is there all the same.
        if result.returncode not in (0, 1, 3, 4):
            said = result.stderr.decode("utf-8", "replace").strip()
            raise Failure(f"interorg {command} of {self.name} ended with {result.returncode}: {said}")
        return result.stdout

    def _note_memory(self):
        if self._child is not None:
            self.peak_memory_bytes = max(self.peak_memory_bytes, self._child.peak_memory_bytes() or 0)
