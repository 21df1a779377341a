"""
The head of an ordinary beacon read line by line, without a parser: the short way of the fast lane.

Browsers and proxies send the same few lines again and again. A line is looked at once, by the rules of RFC 9112, and
known from then on; a head is ordinary when each of its lines is known. Whatever else a head may hold (a folded or empty
line, a name that changes how the message is read, odd bytes, two requests in one piece) gives None, and the parser
alone decides, as it does for every other request. `tests/ingest/test_plain_heads.py` holds both together.

Lines are personal (addresses, user agents): in memory only, bounded, never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ingest.remembered import Remembered

LINES_MAX = 40_000
"""Each of the two generations."""
LINE_BYTES_MAX = 600
LENGTH_DIGITS_MAX = 5
Headers = list[tuple[bytes, bytes]]
CONTENT_LENGTH = b"content-length"

_LINE = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)"
)
"""
A field line without white space at its end: field-name ":" OWS field-value.
Source: RFC 9112 section 5, RFC 9110 section 5.5.
"""
FRAMING = frozenset(
    {
        b"transfer-encoding",
        b"connection",
        b"proxy-connection",
        b"upgrade",
        b"expect",
        b"trailer",
        b"te",
        b"http2-settings",
    }
)
"""Fields that change where a message ends or what becomes of its connection: the parser reads those."""


class PlainHeads:
    """
    The lines one collector knows.
    """

    def __init__(self, rare: Iterable[bytes] = ()) -> None:
        """
        Args:
            rare: names, in lower case, that make a beacon not ordinary.
        """
        self._rare = FRAMING.union(rare)
        self._lines: Remembered[bytes, tuple[bytes, bytes]] = Remembered(LINES_MAX)

    def __len__(self) -> int:
        return len(self._lines)

    def forget(self) -> None:
        """
        Forget every line.
        """
        self._lines.forget()

    def read(self, lines: list[bytes]) -> Headers | None:
        """
        Read the lines of a head, without the request line and the empty line; None when one is not ordinary.

        Returns:
            Fields in their order with names in lower case. A name may come twice.
        """
        known = self._lines.young
        try:
            return [known[line] for line in lines]
        except KeyError:
            return self._learn(lines)

    def _learn(self, lines: list[bytes]) -> Headers | None:
        headers: Headers = []
        for line in lines:
            found = self._lines.find(line)
            if found is None:
                found = self._field(line)
                if found is None:
                    return None
                self._lines.keep(line, found)
            headers.append(found)
        return headers

    def _field(self, line: bytes) -> tuple[bytes, bytes] | None:
        match = _LINE.fullmatch(line) if len(line) <= LINE_BYTES_MAX else None
        if match is None:
            return None
        name, value = match[1].lower(), match[2]
        if name in self._rare:
            return None
        if name == CONTENT_LENGTH and not (value.isdigit() and len(value) <= LENGTH_DIGITS_MAX):
            return None
        # One object for each name, so that its hash is worked out once.
        return _NAMES.get(name, name), value


_NAMES = {
    name: name
    for name in (
        b"host", b"user-agent", b"x-forwarded-for", b"forwarded", b"content-type", CONTENT_LENGTH, b"accept",
        b"accept-encoding", b"accept-language", b"origin", b"referer", b"x-forwarded-proto", b"x-real-ip",
    )
}  # fmt: skip
