"""
Hop 3: places from a local database.
"""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from ingest.hit import Place
from ingest.place import CHECK_INTERVAL_MS, PlaceReader
from tests.clocks import FakeClock

RECORDS: dict[str, Any] = {
    "192.0.2.0/25": {
        "country": {"iso_code": "SE"},
        "subdivisions": [{"iso_code": "AB"}],
        "city": {"geoname_id": 2673730},
    },
    "192.0.2.128/25": {"country_code": "no"},
    "198.51.100.0/24": {"country_code": "ZZ"},
    "203.0.113.0/24": {"country": {"iso_code": "T1"}},
    "2001:db8::/32": {"country": {"iso_code": "FI"}},
    "100.64.0.0/10": {"country": "odd", "subdivisions": "odd", "city": 1},
}


def write(path: Path, records: dict[str, Any], ip_version: int = 6) -> None:
    writer = MMDBWriter(ip_version=ip_version, ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    temporary = path.with_suffix(".new")
    writer.to_db_file(str(temporary))
    temporary.replace(path)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", Place("SE", "SE-AB", 2673730)), ("192.0.2.129", Place("NO")), ("198.51.100.1", Place()),
        ("203.0.113.1", Place()), ("2001:db8::1", Place("FI")), ("100.64.0.1", Place()), ("8.8.8.8", Place()),
        ("0.0.0.0", Place()),
    ],
)  # fmt: skip
def test_both_shapes(tmp_path: Path, address: str, expected: Place) -> None:
    """The GeoLite shape and the flat one are read; reserved codes mean unknown."""
    write(tmp_path / "c.mmdb", RECORDS)

    assert PlaceReader(tmp_path / "c.mmdb", FakeClock()).read(ip_address(address)) == expected


def test_other_family(tmp_path: Path) -> None:
    """An IPv6 address in an IPv4 database is nowhere."""
    write(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country_code": "SE"}}, ip_version=4)

    assert PlaceReader(tmp_path / "c.mmdb", FakeClock()).read(IPv6Address("2001:db8::1")) == Place()


def test_status_and_age(tmp_path: Path) -> None:
    """An opened database is ok and knows the day it was built."""
    write(tmp_path / "c.mmdb", RECORDS)
    reader = PlaceReader(tmp_path / "c.mmdb", FakeClock())

    assert reader.status() == ("ok", "")
    assert isinstance(reader.built, date)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    """Without a readable file every place is empty, and the status says why and what to do."""
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    for path in (None, tmp_path / "missing.mmdb", broken):
        reader = PlaceReader(path, FakeClock())
        health, why = reader.status()

        assert (health, reader.read(IPv4Address("192.0.2.1")), reader.built) == ("degraded", Place(), None)
        assert "daysalt data fetch" in why


def test_replaced_file_is_noticed(tmp_path: Path) -> None:
    """A file that appears, changes or goes is noticed at the next look, and not before."""
    path, clock = tmp_path / "c.mmdb", FakeClock()
    reader, address = PlaceReader(path, clock), IPv4Address("192.0.2.1")
    write(path, {"192.0.2.0/24": {"country_code": "SE"}})

    assert reader.read(address) == Place()
    clock.advance(ms=CHECK_INTERVAL_MS)
    assert reader.read(address) == Place("SE")
    write(path, {"192.0.2.0/24": {"country_code": "DE"}, "198.51.100.0/24": {"country_code": "FR"}})
    clock.advance(ms=CHECK_INTERVAL_MS)
    assert reader.read(address) == Place("DE")
    path.unlink()
    clock.advance(ms=CHECK_INTERVAL_MS)
    assert reader.read(address) == Place()


def test_broken_replacement(tmp_path: Path) -> None:
    """A broken file in place of a good one costs the places only until it is mended."""
    path, clock = tmp_path / "c.mmdb", FakeClock()
    write(path, {"192.0.2.0/24": {"country_code": "SE"}})
    reader = PlaceReader(path, clock)
    (tmp_path / "other").write_bytes(b"junk")
    (tmp_path / "other").replace(path)
    clock.advance(ms=CHECK_INTERVAL_MS)

    assert reader.status()[0] == "degraded"
    write(path, {"192.0.2.0/24": {"country_code": "SE"}})
    clock.advance(ms=CHECK_INTERVAL_MS)
    assert reader.status() == ("ok", "")
