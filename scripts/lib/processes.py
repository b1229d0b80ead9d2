"""Processes that never outlive the script that started them."""

import ctypes
import os
import shutil
import signal
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something did not work; the text is for a person."""


def program(name):
    """The path of a program, also of those that only root has in PATH."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        raise Failure(f"{name} is not installed: scripts/bootstrap installs it")
    return path


def wait_until(condition, seconds, every=0.1):
    """Asks until `condition()` is true; gives its last value, which is false if that took more than `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


class Child:
    """A process in a session of its own: Ctrl-C reaches only the script, which then ends its children in order."""

    def __init__(self, name, arguments, log, environment=None):
        """`log` is a path; what the process says is appended there."""
        self.name = name
        self.log = log
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=_die_with_parent, env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self._process.pid

    def exit_status(self):
        """None while it runs."""
        return self._process.poll()

    def stop(self, seconds=20):
        """SIGTERM, and SIGKILL after `seconds`. Says whether it ended by itself; does nothing if it is not running."""
        if self._process.poll() is not None:
            return True
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False

    def peak_memory_bytes(self):
        """The most memory it ever had (VmHWM of proc(5)); None if it is not running."""
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as status:
                for text in status:
                    if text.startswith("VmHWM:"):
                        return int(text.split()[1]) * 1024
        except OSError:
            pass
        return None

    def last_words(self):
        """The end of its log."""
        return tail(self.log)


def tail(path, lines=15):
    """The last lines of a text file."""
    with open(path, encoding="utf-8", errors="replace") as log:
        return "".join(log.readlines()[-lines:]).rstrip()


def _die_with_parent():
    # Even if the script is killed with SIGKILL, the kernel ends the child.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
