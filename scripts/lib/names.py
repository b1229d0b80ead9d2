"""Distinguished names (RFC 4514) as bytes: taken apart, put together, and compared as a server would."""

import functools
import re
import unicodedata

_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
_SPECIAL = frozenset(b'"+,;<>\\')


def escaped(value):
    """A value as it stands in a DN (text in, text out)."""
    data = value.encode()
    text = bytearray()
    for index, byte in enumerate(data):
        at_edge = index == 0 or index == len(data) - 1
        if byte in _SPECIAL or (byte == 0x20 and at_edge) or (byte == 0x23 and index == 0):
            text += b"\\" + bytes([byte])
        elif byte < 0x20:
            text += b"\\%02X" % byte
        else:
            text.append(byte)
    return text.decode()


def unescaped(value):
    """The bytes that a value in a DN stands for."""
    if b"\\" not in value:
        return value

    def replacement(match):
        found = match.group(1)
        return bytes([int(found, 16)]) if len(found) == 2 else found

    return _ESCAPE.sub(replacement, value)


def _first_unescaped(name, wanted):
    start = name.find(wanted)
    if b"\\" not in name:
        return start
    while start > 0:
        backslashes = 0
        while backslashes < start and name[start - 1 - backslashes] == 0x5C:
            backslashes += 1
        if backslashes % 2 == 0:
            break
        start = name.find(wanted, start + 1)
    return start


def split(name):
    """The first RDN of a DN and the DN above it; that is empty for a DN of one RDN."""
    comma = _first_unescaped(name, b",")
    return (name, b"") if comma < 0 else (name[:comma], name[comma + 1:].lstrip(b" "))


def rdn(name):
    """Type (text, lower case) and value (bytes) of a DN's first RDN; of several values in it, those of the first."""
    first = split(name)[0]
    plus = _first_unescaped(first, b"+")
    if plus >= 0:
        first = first[:plus]
    kind, _, value = first.partition(b"=")
    return kind.strip().decode("ascii").lower(), unescaped(value)


def folded(value):
    """A value as caseIgnoreMatch sees it (RFC 4518): NFKC, case folded, no spaces at the ends, inner ones single."""
    text = value.decode("utf-8", "replace")
    text = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(text.split())


def normalized(name):
    """A DN as a key: two spellings of one DN give the same."""
    if not name:
        return ()
    kind, value = rdn(name)
    return ((kind, folded(value)),) + _normalized_container(split(name)[1])


# Containers are few, and each is asked for once per entry in it.
_normalized_container = functools.lru_cache(maxsize=4096)(normalized)


class Index:
    """Something by DN, found under every spelling of the DN."""

    def __init__(self):
        self._as_written = {}
        self._by_key = None

    def __setitem__(self, dn, value):
        self._as_written[dn] = value
        self._by_key = None

    def get(self, dn):
        """What was stored under the DN, or None."""
        # A server mostly spells a DN the same everywhere, so that few have to be normalized.
        if dn in self._as_written:
            return self._as_written[dn]
        if self._by_key is None:
            self._by_key = {normalized(other): value for other, value in self._as_written.items()}
        return self._by_key.get(normalized(dn))


class PathReader:
    """Takes DNs below one base apart; remembers the containers, of which there are few, because entries are many."""

    def __init__(self, base):
        self._base = normalized(base.encode())
        self._paths = {}

    def path(self, container):
        """The RDNs from a container's DN down from the base, nearest first; None if it is not the base or below it."""
        if container in self._paths:
            return self._paths[container]
        if normalized(container) == self._base:
            result = ()
        elif not container:
            result = None
        else:
            above = self.path(split(container)[1])
            result = None if above is None else (rdn(container),) + above
        self._paths[container] = result
        return result
