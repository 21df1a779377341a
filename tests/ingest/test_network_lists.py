"""
The network list: built from two packages, checked by their hashes, readable by any reader of mmdb files.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any

import maxminddb
import pytest

from ingest.lists import FetchedList, ListError
from ingest.mmdb import Record, write_mmdb
from ingest.network_lists import ASN_MEMBERS, KINDS_MEMBER, KINDS_URL, fetch_networks, merged, with_countries
from ingest.risk.network_list import NetworkReader, unroutable_kind
from tests.clocks import FakeClock

NPM = "https://registry.test"
WHEEL = "https://files.pythonhosted.org/iporigin-1.0-py3-none-any.whl"
LABELS = (("Good Cloud", "hosting"), ("Contabo", "hosting"), ("Tor", "tor"), ("Googlebot", "bot"), ("CDN", "cdn"))
FOURS = (("10.1.0.0", "10.1.0.255", 0), ("10.2.0.0", "10.2.0.255", 1), ("10.3.0.5", "10.3.0.5", 2),
         ("10.9.0.0", "10.9.255.255", 3))  # fmt: skip


def number(text: str) -> int:
    return int(ip_address(text))


def wheel() -> bytes:
    blob = struct.pack("<8sHQHII", b"IPORIGIN", 1, 1_790_000_000, len(LABELS), len(FOURS), 1)
    for provider, kind in LABELS:
        text = f"{provider}\t{kind}".encode()
        blob += struct.pack("<H", len(text)) + text
    for first, last, label in FOURS:
        blob += struct.pack("<IIH", number(first), number(last), label)
    blob += struct.pack("<16s16sH", IPv6Address("2a00::").packed, IPv6Address("2a00::ff").packed, 0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(KINDS_MEMBER, blob)
    return buffer.getvalue()


def tarball() -> bytes:
    fours = b'10.0.0.0,10.3.255.255,64500,"Example, Inc."\n10.4.0.0,10.4.0.255,64501,Other\n'
    sixes = b"2a00::,2a00:0:0:1::,64502,Six\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in zip(ASN_MEMBERS, (fours, sixes), strict=True):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Packages:
    """
    Both registries, in memory.
    """

    def __init__(self) -> None:
        packed = tarball()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
        self.release: dict[str, Any] = {
            "version": "2.3.2026061719", "license": "CC-BY-4.0",
            "dist": {"tarball": f"{NPM}/asn.tgz", "integrity": integrity},
        }  # fmt: skip
        file = {"filename": "iporigin-1.0-py3-none-any.whl", "url": WHEEL,
                "digests": {"sha256": hashlib.sha256(wheel()).hexdigest()}}  # fmt: skip
        self.project: dict[str, Any] = {"info": {"version": "1.0", "license": "MIT"}, "urls": [file]}
        self.files = {f"{NPM}/asn.tgz": packed, WHEEL: wheel()}

    def __call__(self, url: str, bytes_max: int) -> bytes:
        if url == KINDS_URL:
            return json.dumps(self.project).encode()
        return self.files[url] if url in self.files else json.dumps(self.release).encode()


def fetch(tmp_path: Path, packages: Packages) -> NetworkReader:
    fetch_networks(tmp_path, lambda _: None, open_url=packages, registry_url=NPM)
    return NetworkReader(tmp_path / "networks.mmdb", FakeClock())


def test_networks_and_kinds_are_in_one_file(tmp_path: Path) -> None:
    """
    Network, organisation and kind of an address, IPv4 and IPv6; and what had no licence or no kind of ours is left out.
    """
    reader = fetch(tmp_path, Packages())
    facts = {
        text: (found.asn, found.organisation, found.kind)
        for text in ("10.1.0.9", "10.2.0.9", "10.3.0.5", "10.3.0.6", "10.9.1.1", "10.4.0.1", "2a00::5", "2a00::1:0")
        for found in [reader.read(ip_address(text))]
    }

    assert {
        "10.1.0.9": (64500, "Example, Inc.", "hosting"),
        "10.2.0.9": (64500, "Example, Inc.", ""),
        "10.3.0.5": (64500, "Example, Inc.", "tor"),
        "10.3.0.6": (64500, "Example, Inc.", ""),
        "10.9.1.1": (0, "Googlebot", "crawler"),
        "10.4.0.1": (64501, "Other", ""),
        "2a00::5": (64502, "Six", "hosting"),
        "2a00::1:0": (64502, "Six", ""),
    } == facts
    assert reader.is_datacenter(IPv4Address("10.1.0.9")) and not reader.is_datacenter(IPv4Address("10.4.0.1"))


def test_the_sidecar_names_both_packages(tmp_path: Path) -> None:
    """
    Version, date, licence and hash of what the list was built from stand beside it, with other lists kept.
    """
    (tmp_path / "lists.json").write_text('[{"package": "other"}, {"file": "networks.mmdb", "package": "iporigin"}]')
    fetch(tmp_path, Packages())
    noted = json.loads((tmp_path / "lists.json").read_bytes())

    assert ["other", "@ip-location-db/asn", "iporigin"] == [item["package"] for item in noted]
    assert ("2026-06-17", "CC-BY-4.0") == (noted[1]["built"], noted[1]["licence"])


def _other_hash(packages: Packages) -> None:
    packages.files[WHEEL] += b"x"


def _other_licence(packages: Packages) -> None:
    packages.project["info"]["license"] = "GPL"


def _other_asn_licence(packages: Packages) -> None:
    packages.release["license"] = "GPL"


def _other_host(packages: Packages) -> None:
    packages.project["urls"][0]["url"] = "https://elsewhere.test/iporigin-1.0-py3-none-any.whl"


@pytest.mark.parametrize("change", [_other_hash, _other_licence, _other_asn_licence, _other_host])
def test_what_is_not_as_agreed_is_not_used(tmp_path: Path, change: Any) -> None:
    """
    Another hash, licence or host: one sentence, and nothing is replaced.
    """
    packages = Packages()
    change(packages)

    with pytest.raises(ListError):
        fetch(tmp_path, packages)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", range(5))
def test_every_address_is_read_back_as_written(tmp_path: Path, seed: int) -> None:
    """
    Random ranges of both families: inside each its record, between them nothing.
    """
    rng = random.Random(seed)
    for bits, base in ((32, 0), (128, 0x2A << 120)):
        cuts = sorted({base + rng.getrandbits(bits - 8) for _ in range(60)})
        pairs = list(zip(cuts[::2], cuts[1::2], strict=True))
        ranges = [(first, last, {"asn": place + 1}) for place, (first, last) in enumerate(pairs)]
        path = tmp_path / f"{bits}.mmdb"
        path.write_bytes(write_mmdb(ranges, kind="Test", description="test", built_s=1))
        make = IPv4Address if bits == 32 else IPv6Address
        with maxminddb.open_database(path) as reader:
            for first, last, record in ranges:
                assert (
                    record == reader.get(make(first)) == reader.get(make(last)) == reader.get(make((first + last) // 2))
                )
            for (_, last), (first, _) in pairwise(pairs):
                if last + 1 < first:
                    assert None is reader.get(make(last + 1)) and None is reader.get(make(first - 1))


def spread(ranges: Iterator[tuple[int, int, Record]]) -> dict[int, Record]:
    told: dict[int, Record] = {}
    for first, last, record in ranges:
        assert not any(place in told for place in range(first, last + 1))
        assert not told or first > max(told)
        told |= dict.fromkeys(range(first, last + 1), record)
    return told


@pytest.mark.parametrize("seed", range(60))
def test_kinds_lie_over_networks(seed: int) -> None:
    """
    However ranges of both meet, each address has the network and the kind it had, in ascending order and once.
    """
    rng = random.Random(seed)

    def some() -> list[tuple[int, int]]:
        cuts = sorted(rng.sample(range(200), 2 * rng.randint(0, 12)))
        return list(zip(cuts[::2], cuts[1::2], strict=True))

    asns = [(first, last, place + 1, f"o{place}") for place, (first, last) in enumerate(some())]
    kinds = [(first, last, rng.choice(("tor", "vpn")), f"p{place}") for place, (first, last) in enumerate(some())]
    told = spread(merged(asns, kinds))

    for address in range(200):
        asn = next((asn for first, last, asn, _ in asns if first <= address <= last), None)
        kind = next((kind for first, last, kind, _ in kinds if first <= address <= last), None)
        record = told.get(address, {})
        assert (asn, kind) == (record.get("asn"), record.get("kind")), address


@pytest.mark.parametrize("seed", range(60))
def test_countries_lie_over_networks(seed: int) -> None:
    """
    However ranges of both meet, each address has the network and the country it had, in ascending order and once.
    """
    rng = random.Random(seed)

    def some() -> list[tuple[int, int]]:
        cuts = sorted(rng.sample(range(200), 2 * rng.randint(0, 12)))
        return list(zip(cuts[::2], cuts[1::2], strict=True))

    networks = [(first, last, {"asn": place + 1}) for place, (first, last) in enumerate(some())]
    countries = [(first, last, rng.choice(("SE", "NO"))) for first, last in some()]
    told = spread(with_countries(networks, countries))

    for address in range(200):
        asn = next((record["asn"] for first, last, record in networks if first <= address <= last), None)
        country = next((code for first, last, code in countries if first <= address <= last), None)
        record = told.get(address, {})
        assert (asn, country) == (record.get("asn"), record.get("country")), address


def test_the_country_is_in_the_same_file(tmp_path: Path) -> None:
    """
    With a country list in place, its countries are in the network list, and the sidecar names it for both files.
    """
    country = write_mmdb(
        [(number("10.0.0.0"), number("10.1.0.255"), {"country_code": "SE"}),
         (number("2a00::"), number("2a00::ffff"), {"country_code": "NO"})],
        kind="c", description="c", built_s=1,
    )  # fmt: skip
    (tmp_path / "country.mmdb").write_bytes(country)
    listed = FetchedList("country.mmdb", "countries", "1.0", "2026-11-01", "CC0-1.0", "ab")
    (tmp_path / "lists.json").write_text(json.dumps([asdict(listed)]))
    reader = fetch(tmp_path, Packages())

    assert ("SE", "hosting", 64500) == place_and_network(reader, "10.1.0.9")
    assert ("", "", 64500) == place_and_network(reader, "10.2.0.9")
    assert ("NO", "hosting", 64502) == place_and_network(reader, "2a00::1")
    noted = json.loads((tmp_path / "lists.json").read_text())
    files = [item["file"] for item in noted if item["package"] == "countries"]
    assert ["country.mmdb", "networks.mmdb"] == sorted(files)


def place_and_network(reader: NetworkReader, address: str) -> tuple[str, str, int]:
    found = reader.read(ip_address(address))
    return found.country, found.kind, found.asn


def test_without_a_list_nothing_is_known_but_unroutable_addresses(tmp_path: Path) -> None:
    """
    No list costs confidence; that nobody on the internet has 10.0.0.1 is known without one.
    """
    reader = NetworkReader(tmp_path / "none.mmdb", FakeClock())

    assert "degraded" == reader.status()[0]
    assert (False, "private") == (reader.read(IPv4Address("10.0.0.1")).known, unroutable_kind(IPv4Address("10.0.0.1")))
    assert ("", "local", "reserved") == tuple(
        unroutable_kind(ip_address(text)) for text in ("8.8.8.8", "127.0.0.1", "224.0.0.1")
    )
