"""
Hop 2 for most beacons: an ordinary pageview read with a fixed shape, at a third of the time.

What it reads, `ingest.decode.decode` reads the same; everything else it leaves to it. `tests/ingest/test_decode.py`
holds both together.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from ingest.decode import REFERRER_LENGTH_MAX, URL_BYTES_MAX, Beacon, read_domains
from ingest.event import PAGEVIEW

DOMAINS_LENGTH_MAX = 300
"""Characters of a list of sites that are worth remembering."""


def decode_plain(body: bytes) -> Beacon | None:
    """
    Read an ordinary pageview; None for anything else, and for anything odd, which is read the long way.
    """
    try:
        plain = _decode_plain(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if plain.n == PAGEVIEW and plain.u and plain.d:
        return plain_beacon(plain.d, plain.u, plain.r or "")
    return None


class _Plain(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """
    What a tracker sends of an ordinary pageview. Anything else, and anything odd, is read the long way.
    """

    n: str
    u: str
    d: str
    r: str | None = None
    v: int | None = None


_decode_plain = msgspec.json.Decoder(_Plain).decode


def plain_beacon(domain: str, url: str, referrer: str) -> Beacon | None:
    """
    Make the beacon of an ordinary pageview; None where the long way must decide. `test_decode` holds both together.
    """
    domains = _plain_domains(domain)
    if (
        not domains
        or len(url) > URL_BYTES_MAX
        or not url.isascii()
        or "\x00" in url
        or "\x00" in referrer
        or len(referrer) > REFERRER_LENGTH_MAX
        or not url.startswith(("https://", "http://"))
    ):
        return None
    return Beacon(name=PAGEVIEW, url=url, domains=domains, referrer=referrer)


@lru_cache(10_000)
def _plain_domains(sent: str) -> tuple[str, ...]:
    errors: dict[str, list[str]] = {}
    domains = read_domains(sent, "", errors) if len(sent) <= DOMAINS_LENGTH_MAX else ()
    return () if errors else domains
