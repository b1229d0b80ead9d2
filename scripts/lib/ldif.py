"""LDIF (RFC 2849): written for fixtures and changes, and read as ldapsearch prints it."""

import base64
import binascii
import re
import sys

# SAFE-STRING of RFC 2849: ASCII without NUL, LF and CR, not beginning with a space, ":" or "<". A trailing space is
# allowed by the grammar, but editors strip it, so such a value is written in base64 too.
_SAFE = re.compile(rb"(?:[\x01-\x09\x0b\x0c\x0e-\x1f\x21-\x39\x3b\x3d-\x7f]"
                   rb"(?:[\x01-\x09\x0b\x0c\x0e-\x7f]*[\x01-\x09\x0b\x0c\x0e-\x1f\x21-\x7f])?)?")
# The same for text; most values are text, and a fixture has millions of them.
_SAFE_TEXT = re.compile(_SAFE.pattern.decode("ascii"))
_LINE_BYTES_MAX = 76
_KNOWN_LINES_MAX = 50_000


class Entry:
    """One entry as read: its DN as bytes, and per attribute name (lower case) its values, in the order they came in."""

    __slots__ = ("dn", "attributes")

    def __init__(self, dn, attributes):
        self.dn = dn
        self.attributes = attributes

    def values(self, name):
        """The values of an attribute; none if the entry lacks it. `name` is in lower case."""
        return self.attributes.get(name, [])

    def first(self, name):
        """The first value of an attribute, or None."""
        values = self.attributes.get(name)
        return values[0] if values else None


def line(name, value):
    """One line of LDIF for one value (text or bytes), in base64 where LDIF asks for it, folded."""
    if isinstance(value, str) and _SAFE_TEXT.fullmatch(value):
        text = f"{name}: {value}"
    elif isinstance(value, bytes) and _SAFE.fullmatch(value):
        text = f"{name}: {value.decode('ascii')}"
    else:
        data = value.encode() if isinstance(value, str) else value
        text = f"{name}:: {base64.b64encode(data).decode('ascii')}"
    if len(text) <= _LINE_BYTES_MAX:
        return text + "\n"
    # A continuation begins with one space, which counts.
    step = _LINE_BYTES_MAX - 1
    rest = [text[start:start + step] for start in range(_LINE_BYTES_MAX, len(text), step)]
    return "\n ".join([text[:_LINE_BYTES_MAX]] + rest) + "\n"


def entry(dn, attributes):
    """A whole entry with the empty line that ends it. `attributes` is a list of (name, value or list of values)."""
    lines = [line("dn", dn)]
    for name, values in attributes:
        for value in values if isinstance(values, (list, tuple)) else [values]:
            lines.append(line(name, value))
    lines.append("\n")
    return "".join(lines)


def read(stream):
    """The entries of a binary stream of `ldapsearch -LLL -o ldif-wrap=no`: unfolded, no comments, no version line."""
    # Most lines are in many entries (classes, cities, titles): each is taken apart once.
    known = {}
    dn = None
    attributes = {}
    for text in stream:
        if text == b"\n":
            if dn is not None:
                yield Entry(dn, attributes)
            dn = None
            attributes = {}
            continue
        pair = known.get(text)
        if pair is None:
            pair = _taken_apart(text)
            if len(known) < _KNOWN_LINES_MAX:
                known[text] = pair
        name, value = pair
        if name in attributes:
            attributes[name].append(value)
        elif name == "dn":
            dn = value
        else:
            attributes[name] = [value]
    if dn is not None:
        yield Entry(dn, attributes)


def _taken_apart(text):
    name, _, value = text.partition(b":")
    value = binascii.a2b_base64(value[2:]) if value[:1] == b":" else value[1:-1]
    return sys.intern(name.decode("ascii").lower()), value
