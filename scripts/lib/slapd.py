"""A private slapd: its own folder, its own port on loopback, ended when it is no longer needed."""

import contextlib
import dataclasses
import os
import pathlib
import secrets
import socket
import subprocess
import tempfile

import ldif
from processes import Child, Failure, program, wait_until

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SYSTEM_SCHEMAS = pathlib.Path("/etc/ldap/schema")
# ldap.conf and ~/.ldaprc of whoever runs this must not change what is read.
LDAP_ENVIRONMENT = {**os.environ, "LDAPNOINIT": "1"}

# Thrown away afterwards: usually without a wait for the disk. The connector may read everything but passwords, and write
# only below the import base. As Debian sets slapd up, it logs nothing: by itself it would give the system's log two lines
# for each operation, and where no such service runs, each of them costs more than noting the operation.
CONFIGURATION = """\
include {system}/core.schema
include {system}/cosine.schema
include {system}/inetorgperson.schema
include {schema}
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
loglevel none
sizelimit unlimited
timelimit unlimited

database mdb
suffix "{suffix}"
rootdn "{administrator}"
rootpw {password}
directory {folder}/database
maxsize 8589934592
{durability}
limits dn.exact="{connector}" size=unlimited time=unlimited
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=interorg,{suffix}" by dn.exact="{connector}" write by * none
access to * by dn.exact="{connector}" read by * none
index objectClass eq
index entryUUID,entryCSN eq
index uid,mail eq
index interorgEntryUUID eq

overlay syncprov
syncprov-checkpoint 1000 5
syncprov-sessionlog 100000
{more}
"""


def free_ports(count):
    """Different ports on loopback that nothing listens on at the moment."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclasses.dataclass(frozen=True)
class Directory:
    """A directory as an administrator reaches it with ldapsearch and ldapmodify: not with the project's own code."""

    organization: str
    suffix: str
    url: str
    bind_dn: str
    password_file: str

    @property
    def export_base(self):
        return f"ou=people,{self.suffix}"

    @property
    def import_base(self):
        return f"ou=interorg,{self.suffix}"

    def _arguments(self, tool):
        return [program(tool), "-x", "-H", self.url, "-D", self.bind_dn, "-y", self.password_file]

    def search(self, base, filter="(objectClass=*)", attributes=("*",), scope="sub", absent_is_empty=False):
        """Entries, as they come. Anything but a complete answer is a Failure; with `absent_is_empty`, a base that is
        not there has no entries."""
        arguments = self._arguments("ldapsearch") + [
            "-LLL", "-o", "ldif-wrap=no", "-b", base, "-s", scope, filter, *attributes]
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=errors, env=LDAP_ENVIRONMENT) as process:
                yield from ldif.read(process.stdout)
            # 32: noSuchObject.
            if process.returncode == 32 and absent_is_empty:
                return
            if process.returncode != 0:
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").strip()
                raise Failure(f"ldapsearch in the directory of {self.organization} below {base} ended with "
                              f"{process.returncode}: {said}")

    def count(self, base, filter="(objectClass=*)"):
        """How many entries there are; 0 where the base is not there."""
        return sum(1 for _ in self.search(base, filter, attributes=("1.1",), absent_is_empty=True))

    def change(self, text):
        """Applies LDIF change records, in order, all or up to the first that is refused (a Failure)."""
        result = subprocess.run(self._arguments("ldapmodify"), input=text.encode(), capture_output=True,
                                env=LDAP_ENVIRONMENT, check=False)
        if result.returncode != 0:
            said = result.stderr.decode("utf-8", "replace").strip()
            raise Failure(f"ldapmodify in the directory of {self.organization} ended with {result.returncode}: {said}")

    def context_csn(self):
        """The contextCSN values of the suffix; every write to the directory changes them (slapd's syncprov). None while
        the database is empty."""
        for entry in self.search(self.suffix, attributes=("contextCSN",), scope="base", absent_is_empty=True):
            return sorted(entry.values("contextcsn"))
        return []


class Slapd:
    """One private slapd with one database. Use it in a `with` statement."""

    def __init__(self, organization, suffix, folder, ldif_files, durable=False, more=""):
        """`folder` is new and belongs to this slapd alone; `ldif_files` are loaded, in order, with schema checking; none
        for a database that fills itself from elsewhere.
        `durable`: what is written is on the disk when the server says so. `more` ends the configuration."""
        self.organization = organization
        self.suffix = suffix
        self.folder = pathlib.Path(folder)
        self.connector_dn = f"cn=interorg,{suffix}"
        self.administrator_dn = f"cn=admin,{suffix}"
        self._ldif_files = ldif_files
        self._settings = {"durability": "" if durable else "envflags nosync", "more": more}
        self._child = None

    def __enter__(self):
        self.folder.mkdir(mode=0o700, parents=True)
        (self.folder / "database").mkdir()
        self._configure()
        self._load()
        try:
            self._start()
        except BaseException:
            # Ctrl-C too: __exit__ is not called for what was not entered.
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._child is not None:
            self._child.stop()

    def _secret(self, name):
        path = self.folder / name
        value = secrets.token_urlsafe(24)
        path.touch(mode=0o600)
        # Without a newline: ldapsearch -y takes the whole file.
        path.write_text(value, encoding="ascii")
        return path, value

    def _configure(self):
        self.administrator_file, administrator_password = self._secret("administrator.password")
        self.connector_file, self._connector_password = self._secret("connector.password")
        self._configuration = self.folder / "slapd.conf"
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(CONFIGURATION.format(
            system=SYSTEM_SCHEMAS, schema=REPOSITORY / "schemas" / "interorg.schema", folder=self.folder,
            suffix=self.suffix, administrator=self.administrator_dn, password=administrator_password,
            connector=self.connector_dn, **self._settings), encoding="utf-8")

    def _load(self):
        connector = self.folder / "connector.ldif"
        connector.touch(mode=0o600)
        connector.write_text(ldif.entry(self.connector_dn, [
            ("objectClass", ["organizationalRole", "simpleSecurityObject"]), ("cn", "interorg"),
            ("userPassword", self._connector_password)]), encoding="ascii")
        for path in [*self._ldif_files, connector] if self._ldif_files else []:
            # -q: fast, and still checks the schema; -w: writes contextCSN.
            result = subprocess.run(
                [program("slapadd"), "-q", "-w", "-f", self._configuration, "-b", self.suffix, "-l", path],
                capture_output=True, env=LDAP_ENVIRONMENT, check=False)
            if result.returncode != 0:
                said = result.stderr.decode("utf-8", "replace").strip()
                raise Failure(f"slapadd refused {path} for {self.organization}: {said}")

    def _start(self):
        for _ in range(5):
            # Somebody may take the port between asking and listening: then another one.
            url = f"ldap://127.0.0.1:{free_ports(1)[0]}"
            self.directory = Directory(self.organization, self.suffix, url, self.administrator_dn,
                                       str(self.administrator_file))
            # -d 0: stay in the foreground.
            self._child = Child(f"slapd of {self.organization}", [
                program("slapd"), "-d", "0", "-h", url, "-f", self._configuration], self.folder / "slapd.log",
                LDAP_ENVIRONMENT)
            if wait_until(lambda: self._child.exit_status() is not None or self._answers(), 20) and self._answers():
                return
            self._child.stop()
        raise Failure(f"slapd of {self.organization} does not start; it said: {self._child.last_words()}")

    def _answers(self):
        try:
            return bool(self.directory.context_csn()) or not self._ldif_files
        except Failure:
            return False
