"""The README alone has to be enough: its commands and configurations connect two directories as Debian sets them up.

What the README writes in blocks marked `<!-- try: … -->` is done here, as it stands there; only names of this machine
(folders, ports, the way to the password) are replaced, and a replacement that has nothing to replace is an error.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import ldif
from processes import Child, Failure, program, wait_until
from slapd import LDAP_ENVIRONMENT, REPOSITORY, Directory, free_ports

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
DEBIAN_CONFIGURATION = pathlib.Path("/usr/share/slapd/slapd.init.ldif")
SUFFIXES = {"headquarters": "dc=hq,dc=example", "branch-a": "dc=a,dc=example"}
PEOPLE = {"headquarters": ["Ada Lovelace", "Grace Hopper"], "branch-a": ["Émilie du Châtelet"]}


def blocks(name):
    """The blocks of the README that bear this name, in order."""
    found = re.findall(rf"<!-- try: {re.escape(name)} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, f"the README has no block named {name}"
    return found


def replaced(text, replacements):
    """The text with every replacement made, each at least once."""
    for old, new in replacements.items():
        assert old in text, f"the README does not say {old!r} any more"
        text = text.replace(old, str(new))
    return text


class Site:
    """One organization's machine: a slapd as Debian configures it, and a folder in the place of /etc and /var."""

    def __init__(self, organization, folder, mail_port):
        self.organization = organization
        self.suffix = SUFFIXES[organization]
        self.folder = folder / organization
        self.mail_port = mail_port
        self.configuration = self.folder / "interorg.yaml"
        self.ldapi = "ldapi://" + str(self.folder / "ldapi").replace("/", "%2F")
        self.url = f"ldap://127.0.0.1:{free_ports(1)[0]}"
        self.password_file = self.folder / "administrator.password"
        self.directory = Directory(
            organization, self.suffix, self.url, f"cn=admin,{self.suffix}", str(self.password_file))

    def start_slapd(self, stack):
        """Debian's own configuration of a new installation, with its paths and the superuser moved here."""
        for name in ("", "slapd.d", "database"):
            (self.folder / name).mkdir()
        self.password_file.write_text("only for this test", encoding="ascii")
        self.password_file.chmod(0o600)
        text = replaced(DEBIAN_CONFIGURATION.read_text(encoding="utf-8"), {
            "/var/run/slapd": self.folder, "/var/lib/ldap": self.folder / "database", "@SUFFIX@": self.suffix,
            "@PASSWORD@": "only for this test",
            "gidNumber=0+uidNumber=0": f"gidNumber={os.getegid()}+uidNumber={os.geteuid()}"})
        init = self.folder / "init.ldif"
        init.write_text(text, encoding="utf-8")
        subprocess.run([program("slapadd"), "-n", "0", "-F", self.folder / "slapd.d", "-l", init], check=True,
                       capture_output=True, env=LDAP_ENVIRONMENT)
        child = Child(f"slapd of {self.organization}", [
            program("slapd"), "-d", "0", "-h", f"{self.url} {self.ldapi}", "-F", self.folder / "slapd.d"],
            self.folder / "slapd.log", LDAP_ENVIRONMENT)
        stack.callback(child.stop)
        assert wait_until(lambda: child.exit_status() is not None or self._answers(), 20), child.last_words()
        assert child.exit_status() is None, child.last_words()
        self._fill()

    def _answers(self):
        try:
            return any(self.directory.search("", scope="base"))
        except Failure:
            return False

    def _fill(self):
        domain = self.suffix.split(",")[0].partition("=")[2]
        records = [
            ldif.entry(self.suffix, [("changetype", "add"), ("objectClass", ["dcObject", "organization"]),
                                     ("dc", domain), ("o", self.organization)]),
            ldif.entry(f"ou=people,{self.suffix}", [("changetype", "add"), ("objectClass", "organizationalUnit"),
                                                    ("ou", "people")])]
        for number, person in enumerate(PEOPLE[self.organization]):
            records.append(ldif.entry(f"uid=person{number},ou=people,{self.suffix}", [
                ("changetype", "add"), ("objectClass", "inetOrgPerson"), ("uid", f"person{number}"), ("cn", person),
                ("sn", person.split()[-1]), ("mail", f"person{number}@{domain}.example"), ("employeeNumber", "4711")]))
        self.directory.change("\n".join(records))

    def prepare_directory(self):
        """Step 2 of the README."""
        script = replaced("set -eu\n" + "\n".join(blocks("directory")), {
            "suffix=dc=a,dc=example": f"suffix={self.suffix}",
            "-Y EXTERNAL -H ldapi:///": f"-Q -Y EXTERNAL -H {self.ldapi}",
            "ldapadd -x -W": f"ldapadd -x -y '{self.password_file}' -H {self.url}", "/etc/interorg": self.folder,
            "install -o interorg -g interorg -m 600": "install -m 600"})
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        done = subprocess.run(["bash", "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False,
                              env={**LDAP_ENVIRONMENT, "PATH": path})
        assert done.returncode == 0, done.stderr

    def configure(self, other):
        """Step 3, with the mail going straight to the other service."""
        [text] = blocks(self.organization)
        self.configuration.write_text(replaced(text, {
            "url: ldap://127.0.0.1": f"url: {self.url}",
            "/etc/interorg": self.folder, "/var/lib/interorg": self.folder / "state",
            "smtp://127.0.0.1:25": f"smtp://127.0.0.1:{other.mail_port}",
            'lmtp: "127.0.0.1:2424"': f'smtp: "127.0.0.1:{self.mail_port}"'}), encoding="utf-8")


class ReadmeTests(unittest.TestCase):
    """Connecting two organizations as the README says."""

    @classmethod
    def setUpClass(cls):
        shown = subprocess.run(["swift", "build", "--show-bin-path"], cwd=REPOSITORY, check=True, capture_output=True,
                               text=True)
        cls.binary = pathlib.Path(shown.stdout.strip()) / "interorg"
        assert cls.binary.exists(), "build it first: swift build"

    def interorg(self, site, *arguments):
        """Runs a command of the README; its output, if it ended well."""
        done = subprocess.run([self.binary, *arguments, "--config", site.configuration],
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def exchange_keys(self, site, other):
        """Step 4, from the side of one organization: its key, and the other one's trust in it."""
        self.interorg(site, "keys", "create")
        [fingerprint] = [key["fingerprint"] for key in json.loads(self.interorg(site, "keys", "show", "--json"))
                         if key["isOwn"]]
        certificate = site.folder / f"{site.organization}.crt"
        self.interorg(other, "keys", "trust", site.organization, certificate, "--fingerprint", fingerprint)

    def test_the_readme_connects_two_organizations(self):
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interorg-")))
            ports = free_ports(2)
            sites = [Site(name, folder, port) for name, port in zip(SUFFIXES, ports)]
            for site, other in zip(sites, reversed(sites)):
                site.start_slapd(stack)
                site.prepare_directory()
                site.configure(other)
            for site, other in zip(sites, reversed(sites)):
                self.exchange_keys(site, other)
            for site in sites:
                log = site.folder / "interorg.log"
                service = Child(f"interorg run of {site.organization}", [
                    self.binary, "run", "--config", site.configuration], log)
                stack.callback(service.stop)
                self.assertTrue(wait_until(lambda: (site.folder / "state" / "control.sock").exists(), 20),
                                log.read_text(encoding="utf-8"))
            for site in sites[::-1]:
                self.interorg(site, "sync")
            for site, other in zip(sites, reversed(sites)):
                base = f"ou={other.organization},ou=interorg,{site.suffix}"
                arrived = wait_until(
                    lambda: site.directory.count(base, "(mail=*)") == len(PEOPLE[other.organization]), 30)
                self.assertTrue(arrived, (site.folder / "interorg.log").read_text(encoding="utf-8"))
                self.assertEqual(site.directory.count(base, "(employeeNumber=*)"), 0)
                found = site.directory.search(base, "(mail=*)", attributes=("cn",))
                self.assertEqual(sorted(entry.values("cn")[0].decode() for entry in found),
                                 sorted(PEOPLE[other.organization]))
            for site in sites:
                self.assertEqual(self.interorg(site, "problems").strip(), "no problems")
                status = json.loads(self.interorg(site, "status", "--json"))
                self.assertEqual(len(status["organizations"]), 2)


if __name__ == "__main__":
    unittest.main()
