"""
Hop 3, the place: country, region and city of an address, from a local database. Never a network call.

Reads mmdb files in the GeoLite shape (`country.iso_code`, `subdivisions`, `city.geoname_id`) and flat ones
(`country_code`). A missing or broken file costs the places, never the hit; `status()` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Literal, cast

import maxminddb

from ingest.hit import Place
from warehouse.clock import Clock, SystemClock

CHECK_INTERVAL_MS = 10_000
"""How often the file is looked at for a newer version."""
NOWHERE = Place()
# ZZ and XX are reserved for "unknown"; T1 is what some edges write for Tor. Source: ISO 3166-1 user-assigned codes.
UNKNOWN_COUNTRIES = frozenset({"ZZ", "XX", "T1"})

Health = tuple[Literal["ok", "degraded"], str]


class PlaceReader:
    """
    An opened place database, opened again when the file was replaced.

    Args:
        path: the mmdb file; it may appear later. None: no places at all.
        clock: decides when to look at the file again; the machine's when None.
    """

    def __init__(self, path: Path | None, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._reader: maxminddb.Reader | None = None
        self._built: date | None = None
        self._seen: tuple[int, int, int] | None = None
        self._why = ""
        self._next_check_ms = 0
        self._revision = 0
        self._refresh()

    @property
    def built(self) -> date | None:
        """
        The day the database was built; None without one.
        """
        return self._built

    @property
    def title(self) -> str:
        """
        What the database calls itself, and the day it was built; empty without one.
        """
        return "" if self._reader is None else f"{self._reader.metadata().database_type} {self.built}"

    @property
    def revision(self) -> int:
        """
        How often the file was opened, gone or replaced so far: answers of an earlier one no longer hold.
        """
        self._refresh_when_due()
        return self._revision

    def status(self) -> Health:
        """
        Tell whether places are known, and why not, in one sentence.
        """
        self._refresh_when_due()
        return ("degraded", self._why) if self._reader is None else ("ok", "")

    def read(self, address: IPv4Address | IPv6Address) -> Place:
        """
        Look an address up; an empty place when it is not known.
        """
        self._refresh_when_due()
        if self._reader is None:
            return NOWHERE
        try:
            record = cast("object", self._reader.get(address))
        except (ValueError, maxminddb.InvalidDatabaseError):
            # ValueError: an IPv6 address in an IPv4 database.
            return NOWHERE
        return _place(cast("Mapping[str, object]", record)) if isinstance(record, dict) else NOWHERE

    def close(self) -> None:
        """
        Give the file back.
        """
        if self._reader is not None:
            self._reader.close()
            self._reader = self._built = None
            self._revision += 1

    def _refresh_when_due(self) -> None:
        if self._clock.monotonic_ms() >= self._next_check_ms:
            self._refresh()

    def _refresh(self) -> None:
        self._next_check_ms = self._clock.monotonic_ms() + CHECK_INTERVAL_MS
        if self._path is None:
            self._why = "no place database is set; run `daysalt data fetch` or set DAYSALT_GEO_DB"
            return
        try:
            stat = self._path.stat()
        except OSError:
            self.close()
            self._seen = None
            self._why = f"there is no place database at {self._path}; run `daysalt data fetch` or set DAYSALT_GEO_DB"
            return
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        self.close()
        try:
            self._reader = maxminddb.open_database(self._path, maxminddb.MODE_AUTO)
            self._built = built_on(self._reader)
            self._revision += 1
            self._why = ""
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            self._why = f"{self._path} is no readable mmdb file; fetch it again with `daysalt data fetch`"


def built_on(reader: maxminddb.Reader) -> date | None:
    """
    Give the day a database was built; None when it names no day.
    """
    try:
        return datetime.fromtimestamp(reader.metadata().build_epoch, UTC).date()
    except (OverflowError, ValueError, OSError):
        return None


def _place(record: Mapping[str, object]) -> Place:
    flat = record.get("country_code")
    country = flat if isinstance(flat, str) else _text(record.get("country"), "iso_code")
    country = country.upper()
    if len(country) != 2 or not country.isalnum() or country in UNKNOWN_COUNTRIES:
        return NOWHERE
    region = ""
    subdivisions = record.get("subdivisions")
    if isinstance(subdivisions, list) and subdivisions:
        code = _text(cast("list[object]", subdivisions)[0], "iso_code")
        region = f"{country}-{code}" if code else ""
    city = 0
    named = record.get("city")
    if isinstance(named, dict):
        geoname = cast("dict[str, object]", named).get("geoname_id")
        city = geoname if isinstance(geoname, int) else 0
    return Place(country, region, city)


def _text(inner: object, key: str) -> str:
    value = cast("dict[str, object]", inner).get(key) if isinstance(inner, dict) else None
    return value if isinstance(value, str) else ""
