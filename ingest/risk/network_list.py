"""
The network list: which network an address is in and of what kind, from a local mmdb file. Never a network call.

A missing or broken file costs confidence and the reasons about networks, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import cast, get_args

import maxminddb

from ingest.place import CHECK_INTERVAL_MS, Health, built_on
from ingest.risk.evidence import NetworkFacts, NetworkKind
from warehouse.clock import Clock

KINDS: frozenset[str] = frozenset(get_args(NetworkKind)) - {""}
UNKNOWN = NetworkFacts()
DATACENTER_ANSWERS_MAX = 50_000
"""Addresses whose answer is remembered for screening, at about 150 bytes each; gone with the process."""


class NetworkReader:
    """
    An opened network list, opened again when the file was replaced.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._reader: maxminddb.Reader | None = None
        self._built: date | None = None
        self._seen: tuple[int, int, int] | None = None
        self._why = ""
        self._next_check_ms = 0
        self._screened = lru_cache(DATACENTER_ANSWERS_MAX)(self._is_datacenter)
        self._refresh()

    @property
    def built(self) -> date | None:
        """
        The day the list was built; None without one.
        """
        return self._built

    def status(self) -> Health:
        """
        Tell whether networks are known, and why not, in one sentence.
        """
        self._refresh_when_due()
        return ("degraded", self._why) if self._reader is None else ("ok", "")

    def read(self, address: IPv4Address | IPv6Address) -> NetworkFacts:
        """
        Look an address up.
        """
        self._refresh_when_due()
        unroutable = unroutable_kind(address)
        if self._reader is None:
            return NetworkFacts(unroutable=unroutable) if unroutable else UNKNOWN
        try:
            found = cast("object", self._reader.get(address))
        except (ValueError, maxminddb.InvalidDatabaseError):
            found = None
        if not isinstance(found, dict):
            return NetworkFacts(known=True, unroutable=unroutable)
        record = cast("Mapping[str, object]", found)
        kind, asn = record.get("kind"), record.get("asn", record.get("autonomous_system_number"))
        return NetworkFacts(
            known=True,
            kind=cast("NetworkKind", kind) if kind in KINDS else "",
            asn=asn if isinstance(asn, int) else 0,
            organisation=str(record.get("organisation", record.get("autonomous_system_organization", ""))),
            country=str(record.get("country", "")),
            unroutable=unroutable,
        )

    def is_datacenter(self, address: IPv4Address | IPv6Address) -> bool:
        """
        Tell whether an address is in a data centre, for sites that drop those; remembered.
        """
        self._refresh_when_due()
        return self._screened(address)

    def _is_datacenter(self, address: IPv4Address | IPv6Address) -> bool:
        return self.read(address).kind == "hosting"

    def _refresh_when_due(self) -> None:
        if self._clock.monotonic_ms() >= self._next_check_ms:
            self._refresh()

    def _refresh(self) -> None:
        self._next_check_ms = self._clock.monotonic_ms() + CHECK_INTERVAL_MS
        try:
            stat = self._path.stat()
        except OSError:
            self._close()
            self._seen = None
            self._why = f"there is no network list at {self._path}; run `daysalt data fetch` or set DAYSALT_NETWORK_DB"
            return
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        self._close()
        try:
            self._reader = maxminddb.open_database(self._path, maxminddb.MODE_AUTO)
            self._built = built_on(self._reader)
            self._why = ""
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            self._why = f"{self._path} is no readable mmdb file; fetch it again with `daysalt data fetch`"

    def _close(self) -> None:
        self._screened.cache_clear()
        if self._reader is not None:
            self._reader.close()
            self._reader = self._built = None


def unroutable_kind(address: IPv4Address | IPv6Address) -> str:
    """
    Say why no stranger on the internet can have an address; empty when one can.

    Source: IANA's registries of special-purpose addresses, as in Python's `ipaddress`.
    """
    # Python asks some twenty networks in turn, ten microseconds for each check; most addresses are near none of them.
    if address.version == 4:
        number = int(address)
        if number >> 24 not in _SPECIAL_IPV4 or (number >> 24 in _PARTLY and number >> 8 not in _SPECIAL_BLOCKS):
            return ""
    elif 0x2003 <= int(address) >> 112 < 0x3FFF:
        return ""
    if address.is_loopback or address.is_link_local:
        return "local"
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return "reserved"
    if not address.is_global:
        return "private"
    return ""


_SPECIAL_IPV4 = frozenset({0, 10, 100, 127, 169, 172, 192, 198, 203, *range(224, 256)})
"""First parts of addresses beside or in a special range."""
_PARTLY = frozenset({192, 198, 203})
"""Those of them with some special blocks among many ordinary ones."""
_SPECIAL_BLOCKS = frozenset(
    [(192 << 16) + block for block in (0, 2, (31 << 8) + 196, (52 << 8) + 193, (88 << 8) + 99, (175 << 8) + 48)]
    + [*range((192 << 16) + (168 << 8), (192 << 16) + (169 << 8))]
    + [*range((198 << 16) + (18 << 8), (198 << 16) + (20 << 8)), (198 << 16) + (51 << 8) + 100]
    + [(203 << 16) + 113]
)
"""The /24s of these with a special range in them."""
