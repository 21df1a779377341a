"""
The network list: built from three packages into one own mmdb, `networks.mmdb`; on command, never while a request waits.

- `@ip-location-db/asn` (npm; Route Views and DB-IP, CC BY 4.0: attribution is in docs/risk.md): network number and
  organisation.
- `@ip-location-db/geo-whois-asn-country-mmdb` (npm; CC0): the country, from the list that is there for
  the statistics.
- `iporigin` (PyPI; MIT, its data from providers' own feeds and CC0 lists): what kind of network. What it holds from
  lists without a licence is left out. Only its file of ranges is read; none of its code is run.
"""

from __future__ import annotations

import csv
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import cast
from urllib.parse import urljoin, urlsplit

import maxminddb
import msgspec

from ingest.lists import (
    COUNTRY_FILE,
    MEMBER_BYTES_MAX,
    METADATA_BYTES_MAX,
    REGISTRY_URL,
    SIDECAR_FILE,
    TARBALL_BYTES_MAX,
    FetchedList,
    ListError,
    Opener,
    Report,
    latest_release,
    member_of,
    note_lists,
    open_https,
    replace_file,
    verified,
)
from ingest.mmdb import Range, Record, write_mmdb
from warehouse.data_dir import NETWORK_FILE

ASN_PACKAGE = "@ip-location-db/asn"
ASN_LICENCES = frozenset({"SEE LICENSE IN ROUTEVIEWS-LICENSE and DBIP-LICENSE (CC-BY-4.0)", "CC-BY-4.0"})
ASN_MEMBERS = ("package/asn-ipv4.csv", "package/asn-ipv6.csv")
KINDS_PACKAGE = "iporigin"
KINDS_URL = "https://pypi.org/pypi/iporigin/json"
KINDS_HOSTS = frozenset({"pypi.org", "files.pythonhosted.org"})
KINDS_LICENCES = frozenset({"MIT"})
KINDS_MEMBER = "iporigin/data/ranges.bin"
# From its NOTICE, section 3: taken from repositories without a licence, with somebody's word only.
UNLICENSED = frozenset({
    "Cogent", "DataCamp", "Contabo", "Vercel", "CDN77", "GleSYS", "Scalaxy", "GTHost", "Melbicom", "BuyVM",
    "BunnyCDN", "Akamai",
})  # fmt: skip
KINDS = {"hosting": "hosting", "vpn": "vpn", "tor": "tor", "bot": "crawler"}
"""Its kinds and ours. Content delivery networks are no kind of ours: people's traffic passes through them, too."""
RELAYS = frozenset({"Apple Private Relay"})

Kinds = list[tuple[int, int, str, str]]
"""First and last address, kind, provider; ascending."""

_HEADER = struct.Struct("<8sHQHII")


def fetch_networks(
    lists_dir: Path, report: Report, *, open_url: Opener | None = None, registry_url: str = REGISTRY_URL
) -> list[FetchedList]:
    """
    Fetch both packages, build the list, and name their versions in `lists.json`.

    Raises:
        ListError: one sentence about what went wrong; nothing was replaced.
    """
    opener = open_url or open_https
    release = latest_release(opener, registry_url, ASN_PACKAGE, ASN_LICENCES)
    report(f"fetching {ASN_PACKAGE} {release.version}")
    tarball = opener(release.dist.tarball, TARBALL_BYTES_MAX)
    asn_hash = verified(ASN_PACKAGE, tarball, release.dist.integrity)
    version, wheel, kinds_hash = _wheel(opener, report)
    kinds_built, kinds = read_kinds(wheel)
    report("building the network list")
    countries, country_list = _countries(lists_dir)
    ranges = with_countries(merged(_asns(tarball), kinds), countries)
    now = datetime.now(UTC)
    content = write_mmdb(
        ranges,
        kind="Daysalt-Network",
        description=", ".join(
            [f"{ASN_PACKAGE} {release.version}", f"{KINDS_PACKAGE} {version}"]
            + [f"{listed.package} {listed.version}" for listed in country_list]
        ),
        built_s=int(now.timestamp()),
    )
    fetched = [
        FetchedList(NETWORK_FILE, ASN_PACKAGE, release.version, _day_of(release.version), "CC-BY-4.0", asn_hash),
        FetchedList(NETWORK_FILE, KINDS_PACKAGE, version, kinds_built, "MIT", kinds_hash),
        *country_list,
    ]
    try:
        lists_dir.mkdir(parents=True, exist_ok=True)
        replace_file(lists_dir / NETWORK_FILE, content)
        note_lists(lists_dir / SIDECAR_FILE, fetched)
    except OSError as error:
        raise ListError(f"cannot write to {lists_dir}: {error.strerror}") from None
    report(f"network list of {now.date()} is in place")
    return fetched


def read_kinds(wheel: bytes) -> tuple[str, Kinds]:
    """
    Read the ranges of the wheel that have a licence and a kind of ours.

    Returns:
        ISO date they were built, and the ranges.

    Raises:
        ListError: it is no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            if archive.getinfo(KINDS_MEMBER).file_size > MEMBER_BYTES_MAX:
                raise ListError(f"{KINDS_MEMBER} is larger than {MEMBER_BYTES_MAX} bytes; nothing was used of it")
            blob = archive.read(KINDS_MEMBER)
        magic, version, built_s, labels_count, fours, sixes = _HEADER.unpack_from(blob)
        if (magic, version) != (b"IPORIGIN", 1):
            raise ListError(f"{KINDS_MEMBER} has a form that was never agreed to; nothing was used of it")
        offset = _HEADER.size
        labels: list[tuple[str, str]] = []
        for _ in range(labels_count):
            (length,) = struct.unpack_from("<H", blob, offset)
            provider, _, kind = blob[offset + 2 : offset + 2 + length].decode().partition("\t")
            labels.append((provider, kind))
            offset += 2 + length
        ranges = list(_kind_ranges(blob, offset, labels, fours, sixes))
    except (zipfile.BadZipFile, KeyError, struct.error, IndexError, UnicodeError, zlib.error):
        raise ListError(f"{KINDS_PACKAGE} holds no readable {KINDS_MEMBER}; nothing was used of it") from None
    return datetime.fromtimestamp(built_s, UTC).date().isoformat(), ranges


def merged(asns: Iterable[tuple[int, int, int, str]], kinds: Kinds) -> Iterator[Range]:
    """
    Lay the kinds over the networks: both ascending, none overlapping within itself.
    """
    place = 0
    upto = -1  # everything to here is told
    for first, last, asn, organisation in asns:
        first = max(first, upto + 1)
        while place < len(kinds) and kinds[place][0] <= last:
            kind_first, kind_last, kind, provider = kinds[place]
            kind_first = max(kind_first, upto + 1)
            if kind_first < first:
                end = min(kind_last, first - 1)
                if kind_first <= end:
                    yield kind_first, end, {"organisation": provider, "kind": kind}
                    upto = end
                if kind_last < first:
                    place += 1
                    continue
                kind_first = first
            if kind_first > first:
                yield first, kind_first - 1, {"asn": asn, "organisation": organisation}
            end = min(kind_last, last)
            if kind_first <= end:
                yield kind_first, end, {"asn": asn, "organisation": organisation or provider, "kind": kind}
                upto = end
                first = end + 1
            if kind_last > last:
                break
            place += 1
        if first <= last:
            yield first, last, {"asn": asn, "organisation": organisation}
            upto = last
    for kind_first, kind_last, kind, provider in kinds[place:]:
        if max(kind_first, upto + 1) <= kind_last:
            yield max(kind_first, upto + 1), kind_last, _kind_only(kind, provider)


def with_countries(ranges: Iterable[Range], countries: Sequence[tuple[int, int, str]]) -> Iterator[Range]:
    """
    Add to each range the country it is in, split where that changes; a country without a network is a range, too.

    Args:
        ranges, countries: both ascending, none overlapping within itself.
    """
    place = 0
    upto = -1  # everything to here is told
    for first, last, record in ranges:
        while place < len(countries) and countries[place][0] <= last:
            begins, ends, code = countries[place]
            begins = max(begins, upto + 1)
            if begins <= min(ends, first - 1):
                upto = min(ends, first - 1)
                yield begins, upto, {"country": code}
            start, at = max(begins, first), max(first, upto + 1)
            if at < start <= min(ends, last):
                upto = start - 1
                yield at, upto, record
            if start <= min(ends, last):
                upto = min(ends, last)
                yield start, upto, {**record, "country": code}
            if ends > last:
                break
            place += 1
        if max(first, upto + 1) <= last:
            yield max(first, upto + 1), last, record
            upto = last
    for begins, ends, code in countries[place:]:
        if max(begins, upto + 1) <= ends:
            yield max(begins, upto + 1), ends, {"country": code}


def _kind_only(kind: str, provider: str) -> Record:
    return {"organisation": provider, "kind": kind}


def _kind_ranges(
    blob: bytes, offset: int, labels: Sequence[tuple[str, str]], fours: int, sixes: int
) -> Iterator[tuple[int, int, str, str]]:
    for form, count in ((struct.Struct("<IIH"), fours), (struct.Struct("<16s16sH"), sixes)):
        for _ in range(count):
            first: int | bytes
            last: int | bytes
            first, last, label = form.unpack_from(blob, offset)
            offset += form.size
            provider, kind = labels[int(label)]
            ours = "relay" if provider in RELAYS else KINDS.get(kind)
            if ours is None or provider in UNLICENSED:
                continue
            yield _as_number(first), _as_number(last), ours, provider


def _as_number(packed: int | bytes) -> int:
    return packed if isinstance(packed, int) else int.from_bytes(packed)


def _countries(lists_dir: Path) -> tuple[list[tuple[int, int, str]], list[FetchedList]]:
    """
    Read the country list that was fetched before, neighbours of one country put together, and what the sidecar says of
    it; both empty without one.
    """
    try:
        known = msgspec.json.decode((lists_dir / SIDECAR_FILE).read_bytes(), type=list[FetchedList])
        reader = maxminddb.open_database(lists_dir / COUNTRY_FILE, maxminddb.MODE_AUTO)
    except (OSError, msgspec.MsgspecError, maxminddb.InvalidDatabaseError):
        return [], []
    ranges: list[tuple[int, int, str]] = []
    with reader:
        for network, found in cast("Iterable[tuple[IPv4Network | IPv6Network, object]]", reader):
            code = cast("Mapping[str, object]", found).get("country_code") if isinstance(found, dict) else None
            if not isinstance(code, str):
                continue
            first, last = int(network.network_address), int(network.broadcast_address)
            if ranges and ranges[-1][2] == code and ranges[-1][1] + 1 == first:
                ranges[-1] = (ranges[-1][0], last, code)
            else:
                ranges.append((first, last, code))
    return ranges, [replace(listed, file=NETWORK_FILE) for listed in known if listed.file == COUNTRY_FILE]


def _asns(tarball: bytes) -> Iterator[tuple[int, int, int, str]]:
    for member in ASN_MEMBERS:
        content = member_of(tarball, member, ASN_PACKAGE)
        try:
            for first, last, asn, organisation, *_ in csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8")):
                yield _number(first), _number(last), int(asn), organisation
        except (ValueError, csv.Error):
            raise ListError(f"{member} is no list of networks; nothing was used of it") from None


def _number(text: str) -> int:
    address: IPv4Address | IPv6Address = ip_address(text)
    return int(address)


class _File(msgspec.Struct):
    filename: str
    url: str
    digests: dict[str, str]


class _Facts(msgspec.Struct):
    version: str
    license: str | None = None


class _Project(msgspec.Struct):
    info: _Facts
    urls: list[_File]


def _wheel(opener: Opener, report: Report) -> tuple[str, bytes, str]:
    try:
        project = msgspec.json.decode(opener(KINDS_URL, METADATA_BYTES_MAX), type=_Project)
    except (msgspec.DecodeError, UnicodeError):
        raise ListError(f"{KINDS_URL} is not what a package index answers; nothing was fetched") from None
    version = project.info.version
    if project.info.license not in KINDS_LICENCES:
        raise ListError(f"{KINDS_PACKAGE} {version} has another licence than MIT; nothing was fetched")
    wheel = next((file for file in project.urls if file.filename.endswith("-py3-none-any.whl")), None)
    url = "" if wheel is None else urljoin(KINDS_URL, wheel.url)
    if wheel is None or urlsplit(url).scheme != "https" or urlsplit(url).hostname not in KINDS_HOSTS:
        raise ListError(f"the index names no file of its own for {KINDS_PACKAGE}; nothing was fetched")
    report(f"fetching {KINDS_PACKAGE} {version}")
    content = opener(url, TARBALL_BYTES_MAX)
    if hashlib.sha256(content).hexdigest() != wheel.digests.get("sha256"):
        raise ListError(f"{KINDS_PACKAGE} does not match the index's sha256; nothing was used of it")
    return version, content, hashlib.sha512(content).hexdigest()


def _day_of(version: str) -> str:
    """
    Read the day out of a version such as 2.3.2026061719; the version itself when it has none.
    """
    digits = version.rpartition(".")[2]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" if len(digits) == 10 and digits.isdigit() else version
