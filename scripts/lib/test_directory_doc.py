"""docs/directory.md is for slapd as Debian sets it up: every block of commands there is run here, in order.

Only names of this machine (folders, ports, users, the way to the password) are replaced, and a replacement that has
nothing to replace is an error. The second provider of *Several providers* is the same slapd under another name.
"""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest
import unittest.mock

import test_readme
from processes import Child, program, wait_until
from slapd import LDAP_ENVIRONMENT, REPOSITORY, free_ports

DOCUMENT = (REPOSITORY / "docs" / "directory.md").read_text(encoding="utf-8")
SUFFIX = "dc=a,dc=example"
CONNECTOR = f"cn=interorg,{SUFFIX}"
PERSON = f"uid=person0,ou=people,{SUFFIX}"
KERBEROS = """\
[libdefaults]
default_realm = A.EXAMPLE
rdns = false
[realms]
A.EXAMPLE = {{
  kdc = 127.0.0.1:{port}
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
}}
"""


class DirectoryDocTests(unittest.TestCase):
    """An administrator who does what docs/directory.md says, from its beginning to its end."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interorg-")))
        stack.enter_context(unittest.mock.patch.dict(os.environ, {
            "KRB5_CONFIG": f"{folder}/krb5.conf", "KRB5_KDC_PROFILE": "/dev/null", "KRB5CCNAME": "MEMORY:",
            "KRB5_KTNAME": f"{folder}/slapd.keytab", "KRB5_CLIENT_KTNAME": f"{folder}/interorg.keytab"}))
        [port] = free_ports(1)
        (folder / "krb5.conf").write_text(KERBEROS.format(port=port, folder=folder), encoding="ascii")
        names = f"IP:127.0.0.1,DNS:localhost,DNS:{socket.gethostname()},DNS:{socket.getfqdn()}"
        new = "openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        self.shell(f"""mkdir {folder}/tls; cd {folder}/tls
            {new} -subj /CN=authority -keyout ca.key -out ca.crt; cp ca.crt clients.crt
            sign="-CA ca.crt -CAkey ca.key -addext basicConstraints=critical,CA:FALSE"
            {new} $sign -subj /CN=ldap.a.example -addext subjectAltName={names} -keyout ldap.key -out ldap.crt
            {new} $sign -subj /O=branch-a/CN=interorg -keyout client.key -out client.crt
            cd ..; echo -n 'of the replica' > replica.secret; kdb5_util create -s -P secret
            printf '%s\\n' 'addprinc -randkey ldap/127.0.0.1' 'ktadd -k slapd.keytab ldap/127.0.0.1' \
                'addprinc -randkey interorg' 'ktadd -k interorg.keytab interorg' | kadmin.local""")
        stack.callback(Child("krb5kdc", [program("krb5kdc"), "-n"], folder / "kdc.log").stop)
        self.site = test_readme.Site("branch-a", folder, mail_port=0)
        self.slapd = stack.enter_context(contextlib.ExitStack())
        self.site.start_slapd(self.slapd)

    def start_slapd_again(self):
        urls, folder = f"{self.site.url} {self.site.ldapi}", self.site.folder
        child = Child("slapd", [program("slapd"), "-d", "stats", "-h", urls, "-F", folder / "slapd.d"],
                      folder / "slapd.log", LDAP_ENVIRONMENT)
        self.slapd.callback(child.stop)
        self.assertTrue(wait_until(self.site._answers, 20), child.last_words())

    def shell(self, script, status=0):
        """Runs commands up to the first that fails; what they print, if they end with this status."""
        done = subprocess.run(
            ["bash", "-euc", script], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60, env={
                **LDAP_ENVIRONMENT, **os.environ, "LDAPNOINIT": "1", "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        self.assertEqual(done.returncode, status, script + done.stdout + done.stderr)
        return done.stdout

    def run_blocks(self):
        """Those two of the README that the document sends the reader to, then the document's own; as they were run."""
        found = re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
        self.assertEqual({language for language, _ in found}, {"sh", "yaml"})
        first = [text for text in test_readme.blocks("directory") if "interorg.ldif" in text or "slappasswd" in text]
        text = "\0".join(first + [block for language, block in found if language == "sh"])
        site, folder, administrator = self.site, self.folder, f"-x -y {self.site.password_file} -H {self.site.url}"
        for old, new in {
                "$suffix": SUFFIX, "-H ldapi:///": f"-H {site.ldapi}", "ldapadd -x -W": f"ldapadd {administrator}",
                "ldapmodify -x -W": f"ldapmodify {administrator}", "-o interorg -g interorg": "",
                "-o openldap -g openldap": "", "runuser -u openldap -- ": "",
                "/etc/ldap/slapd.d": f"{site.folder}/slapd.d", "/var/lib/ldap": f"{site.folder}/database",
                "/etc/interorg": str(folder), "/etc/ldap/tls": f"{folder}/tls",
                "/etc/ldap/replica": f"{folder}/replica", "olcSaslHost: ldap.a.example": "olcSaslHost: 127.0.0.1",
                "ldap://ldap2.a.example": site.url.replace("127.0.0.1", "localhost")}.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.assertNotRegex(text.replace(str(folder), ""), r"/(etc|var)/|ldapi:///", "that would be the system's own")
        for part in re.split(r"\0|^systemctl (\w+) slapd\n", text, flags=re.MULTILINE):
            if part:
                {"stop": self.slapd.close, "start": self.start_slapd_again}.get(part, lambda: self.shell(part))()
        return text.split("\0")

    def test_every_block_works_on_a_fresh_slapd(self):
        blocks = self.run_blocks()
        folder, site = self.folder, self.site
        bind = f"-H {site.url} -x -D {CONNECTOR} -y {folder}/ldap.secret"
        tls = f"-ZZ -o TLS_CACERT={folder}/tls/ca.crt"
        own = f"-o TLS_CERT={folder}/tls/client.crt -o TLS_KEY={folder}/tls/client.key"
        for who in (bind, f"-H {site.url} {tls} {own} -Q -Y EXTERNAL", f"-H {site.url} -N -Q -Y GSSAPI",
                    f"-H {site.url} {tls} -Q -Y SCRAM-SHA-256 -U interorg -y {folder}/ldap.secret"):
            self.assertEqual(self.shell(f"ldapwhoami {who}"), f"dn:{CONNECTOR}\n", who)

        configuration = self.shell(f"ldapsearch -Q -Y EXTERNAL -H {site.ldapi} -LLL -o ldif-wrap=no -b cn=config")
        indexes = ",".join(re.findall(r"olcDbIndex: (\S+) eq\n", configuration)).split(",")
        self.assertLessEqual({"objectClass", "entryUUID", "entryCSN", "member", "interorgEntryUUID"}, set(indexes))
        self.assertIn("dn: olcOverlay={0}syncprov,olcDatabase={1}mdb,cn=config", configuration)
        replica = f'BIND dn="cn=replica,{SUFFIX}" mech=SIMPLE bind_ssf=0 ssf=256'
        self.assertTrue(wait_until(lambda: replica in (site.folder / "slapd.log").read_text(encoding="utf-8"), 20))

        # What the connector may do, and not because everybody may: without Debian's last rule.
        [last] = re.findall(r"olcAccess: (\{\d+\})to \* by \* read\n", configuration)
        self.shell(f"ldapmodify -Q -Y EXTERNAL -H {site.ldapi} <<END\ndn: olcDatabase={{1}}mdb,cn=config\n"
                   f"changetype: modify\ndelete: olcAccess\nolcAccess: {last}\nEND")
        site.directory.change(f"dn: {PERSON}\nchangetype: modify\nadd: userPassword\nuserPassword: of Émilie\n")
        search = "ldapsearch -LLL -s base -b"
        person = self.shell(f"{search} {PERSON} {bind} entryUUID entryCSN userPassword")
        self.assertEqual(re.findall(r"^(\w+):", person, re.MULTILINE), ["dn", "entryUUID", "entryCSN"])
        self.assertIn("\ncontextCSN: ", self.shell(f"{search} {SUFFIX} {bind} contextCSN"))
        self.shell(f"{search} {PERSON} -x -H {site.url}", status=32)
        add = f"ldapadd {bind} <<END\ndn: ou=b,ou=%s,{SUFFIX}\nobjectClass: organizationalUnit\nou: b\nEND"
        self.shell(add % "interorg")
        self.shell(add % "people", status=50)

        # The session log survives a restart: what was deleted before it is told by its name.
        changes = f"ldapsearch {bind} -o ldif-wrap=no -b ou=people,{SUFFIX} -E '!sync=ro%s' 1.1"
        [cookie] = re.findall(r"# cookie: (.*)", self.shell(changes % ""))
        site.directory.change(f"dn: {PERSON}\nchangetype: delete\n")
        self.slapd.close()
        self.start_slapd_again()
        self.assertIn("# following UUIDs no longer match", self.shell(changes % f"/{cookie}"))

        # The user of the machine at last: from here on it is the connector, and no administrator any more.
        [block] = [block for block in blocks if "uidNumber=998" in block]
        block = block.replace("gidNumber=998", f"gidNumber={os.getegid()}")
        self.shell(block.replace("uidNumber=998", f"uidNumber={os.geteuid()}"))
        self.assertEqual(self.shell(f"ldapwhoami -Q -Y EXTERNAL -H {site.ldapi}"), f"dn:{CONNECTOR}\n")


if __name__ == "__main__":
    unittest.main()
