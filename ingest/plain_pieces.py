"""
What is remembered of beacons for the short way, as plain holders of bytes.

`ingest/plain_native.pyx` has the same holders laid out for its own use. Where that is compiled, its own take the place
of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.compiled import is_compiled
from ingest.decode import Beacon
from ingest.enrich import SiteRules
from ingest.pseudonymize import Keyed

if TYPE_CHECKING:
    from ingest.plain_parts import PlainSite


class SiteFields:
    """
    What of a site goes into its records: `head` is how those of `second` begin, `keyed` the hash of their visitors
    and `salt` the number of its salt.
    """

    __slots__ = ("day", "head", "id", "keyed", "part", "rules", "salt", "salts", "second")

    id: int
    rules: SiteRules
    part: bytes
    head: bytes
    second: int
    day: int
    salts: int
    salt: int
    keyed: Keyed | None


class PlainAddress:
    """
    What an address says: who, as far as it is part of a visitor id, and where.
    """

    __slots__ = ("packed", "part", "piece")

    def __init__(self, packed: bytes, part: bytes, piece: bytes) -> None:
        self.packed, self.part, self.piece = packed, part, piece


class PlainAgent:
    """
    What a user agent says.
    """

    __slots__ = ("part", "piece", "text")

    def __init__(self, text: str, part: bytes, piece: bytes) -> None:
        self.text, self.part, self.piece = text, part, piece


class Arrival:
    """
    What pages of one site and host, with the same query and referrer, have in common.
    """

    __slots__ = ("back", "domain", "front", "hostname", "site")

    def __init__(self, site: PlainSite, hostname: str, domain: bytes, front: bytes, back: bytes) -> None:
        self.site, self.hostname, self.domain, self.front, self.back = site, hostname, domain, front, back


class PlainPage:
    """
    What a body, or the same fields of a batch, says: the site, the page and where the visit came from. Instead of a
    beacon it may have the page's address.
    """

    __slots__ = ("beacon", "domain", "piece", "site")

    def __init__(self, site: PlainSite, beacon: Beacon | str, domain: bytes, piece: bytes) -> None:
        self.site, self.beacon, self.domain, self.piece = site, beacon, domain, piece


if not TYPE_CHECKING and is_compiled():
    from ingest.plain_native import Arrival, PlainAddress, PlainAgent, PlainPage, SiteFields  # noqa: F401
