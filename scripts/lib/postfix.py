"""A private postfix: its own folders, its own port on loopback, ended when it is no longer needed. Takes root."""

import grp
import os
import pathlib
import pwd
import re
import socket

from processes import Child, Failure, wait_until

MASTER = pathlib.Path("/usr/lib/postfix/sbin/master")

# Mail is put off for seconds and not for minutes, as befits a demo; nothing is looked up in DNS.
CONFIGURATION = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = /
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
myhostname = {name}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
fast_flush_domains =
relay_domains = {domains}
relay_recipient_maps = texthash:{folder}/etc/recipients
transport_maps = texthash:{folder}/etc/transport
default_transport = error:5.1.2 there is no route to this address
enable_long_queue_ids = yes
mime_header_checks = regexp:{folder}/etc/mime_header_checks
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 5s
"""

SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


# The type of every mail is noted in the log, under the mail's queue ID, before those of its parts.
MIME_HEADER_CHECKS = "/^Content-Type:/ INFO\n"
DELIVERED = re.compile(r": (\w+): to=<.*, status=sent ")
CONTENT_TYPE = re.compile(r": (\w+): info: header Content-Type: (.*?) from \S+\[[0-9.]+\];")
ENCRYPTED = re.compile(r"application/pkcs7-mime;\W*smime-type=(auth)?enveloped-data\b", re.IGNORECASE)


class Postfix:
    """One private postfix. Use it in a `with` statement."""

    def __init__(self, name, folder, port, recipients, routes):
        """`folder` is new and belongs to this server alone. `recipients`: the address of each service that it is the mail
        server of, with the port of the service's LMTP listener. `routes`: other domains, with the ports of their servers."""
        self.name = name
        self.folder = pathlib.Path(folder)
        self.url = f"smtp://127.0.0.1:{port}"
        self._port = port
        self._recipients = recipients
        self._routes = routes
        self._child = None

    def __enter__(self):
        if os.geteuid() != 0:
            raise Failure("postfix can only be started by root: run this as root, or without --mail postfix")
        if not MASTER.exists():
            raise Failure(f"{MASTER} is not there: scripts/bootstrap installs it")
        self._make_folders()
        self._configure()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._child is not None:
            self._child.stop()

    def delivered(self):
        """How many mails it has handed over."""
        return len(DELIVERED.findall(self._log()))

    def unsealed(self):
        """The mails that it has handed over and that were not encrypted S/MIME messages (RFC 8551), each with the
        Content-Type that it had."""
        log = self._log()
        types = dict(reversed(CONTENT_TYPE.findall(log)))
        return [f"{mail}, {types.get(mail, 'with no Content-Type')}" for mail in dict.fromkeys(DELIVERED.findall(log))
                if not ENCRYPTED.match(types.get(mail, ""))]

    def _log(self):
        log = self.folder / "postfix.log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def _make_folders(self):
        # What `postfix check` would make, which takes three seconds.
        owner, group = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
        self.folder.mkdir(parents=True)
        # Its processes, which are not root's, have to reach their folders.
        self.folder.parent.chmod(self.folder.parent.stat().st_mode | 0o011)
        for name in ("etc", "queue", "queue/pid"):
            (self.folder / name).mkdir(mode=0o755)
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
                     "trace"):
            (self.folder / "queue" / name).mkdir(mode=0o700)
            os.chown(self.folder / "queue" / name, owner, 0)
        for name, mode in (("public", 0o710), ("maildrop", 0o730)):
            (self.folder / "queue" / name).mkdir()
            os.chown(self.folder / "queue" / name, owner, group)
            (self.folder / "queue" / name).chmod(mode)
        (self.folder / "data").mkdir(mode=0o700)
        os.chown(self.folder / "data", owner, 0)

    def _configure(self):
        files = {
            "main.cf": CONFIGURATION.format(
                folder=self.folder, name=self.name,
                domains=", ".join(sorted({address.partition("@")[2] for address in self._recipients}))),
            "master.cf": SERVICES.format(port=self._port),
            "mime_header_checks": MIME_HEADER_CHECKS,
            "recipients": "".join(f"{address} ok\n" for address in self._recipients),
            "transport": "".join(
                [f"{address} lmtp:inet:127.0.0.1:{port}\n" for address, port in self._recipients.items()]
                + [f"{domain} smtp:[127.0.0.1]:{port}\n" for domain, port in self._routes.items()]),
        }
        for name, text in files.items():
            (self.folder / "etc" / name).write_text(text, encoding="ascii")

    def _start(self):
        # With -s it stays in the foreground.
        self._child = Child(f"postfix {self.name}", [MASTER, "-c", self.folder / "etc", "-s"],
                            self.folder / "master.log", {"MAIL_CONFIG": str(self.folder / "etc")})
        if not wait_until(lambda: self._child.exit_status() is not None or self._answers(), 20) or not self._answers():
            raise Failure(f"postfix {self.name} does not start; it said: {self._child.last_words()}")

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
            return True
        except OSError:
            return False
