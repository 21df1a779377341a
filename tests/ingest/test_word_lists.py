"""
Word lists: fetched like every list, and taken along by running processes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.agent import read_agent
from ingest.bots import install_patterns, is_bot
from ingest.channel import channel_of
from ingest.lists import FetchedList, ListError
from ingest.origin import read_referrer
from ingest.sources import category_of, install_fetched, source_of_host
from ingest.word_files import CHECK_INTERVAL_MS, WordFiles
from ingest.word_lists import BOTS_MEMBER, BOTS_PACKAGE, SOURCES_MEMBER, SOURCES_PACKAGE, fetch_words
from tests.clocks import FakeClock
from tests.ingest.test_lists import URL, tarball_of

HOSTS: dict[str, Any] = {
    "www.findit.test": {"source": "FindIt", "medium": "search"},
    "findit.test/images": {"source": "FindIt Images", "medium": "search"},
    "meet.test": {"source": "Meet", "medium": "social"},
    "ads.test": {"source": "Ads", "medium": "paid"},
    "google.ac": {"source": "google", "medium": "search"},
    "bad host.test": {"source": "Bad", "medium": "search"},
}
PATTERNS: Any = [{"pattern": "ShinyNewCrawler\\/", "url": "https://crawler.test"}]


class Registry:
    """
    A registry of the two packages, in memory.
    """

    def __init__(self, hosts: Any = HOSTS, patterns: Any = PATTERNS) -> None:
        self.tarballs = {
            SOURCES_PACKAGE: tarball_of({SOURCES_MEMBER: json.dumps(hosts).encode()}),
            BOTS_PACKAGE: tarball_of({BOTS_MEMBER: json.dumps(patterns).encode()}),
        }

    def __call__(self, url: str, bytes_max: int) -> bytes:
        package = next(name for name in self.tarballs if name.replace("/", "%2f") in url)
        if url.endswith(".tgz"):
            return self.tarballs[package]
        digest = base64.b64encode(hashlib.sha512(self.tarballs[package]).digest()).decode()
        dist = {"tarball": f"{URL}/{package.replace('/', '%2f')}.tgz", "integrity": f"sha512-{digest}"}
        return json.dumps({"version": "1.2.3", "license": "MIT", "dist": dist}).encode()


def fetch(tmp_path: Path, registry: Registry) -> list[FetchedList]:
    return fetch_words(tmp_path / "lists", lambda _: None, open_url=registry, registry_url=URL)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    install_fetched({})
    install_patterns(())
    read_referrer.cache_clear()
    channel_of.cache_clear()
    read_agent.cache_clear()


def test_lists_are_fetched_and_described(tmp_path: Path) -> None:
    """Each file says where it is from, when it was fetched and under which licence."""
    fetched = fetch(tmp_path, Registry())
    about = json.loads((tmp_path / "lists" / "sources.json").read_text())["about"]

    assert [("sources.json", SOURCES_PACKAGE, "MIT"), ("bots.json", BOTS_PACKAGE, "MIT")] == [
        (one.file, one.package, one.licence) for one in fetched
    ]
    assert {"origin": SOURCES_PACKAGE, "version": "1.2.3", "licence": "MIT"}.items() <= about.items()
    assert 2 == len(json.loads((tmp_path / "lists" / "lists.json").read_text()))


def test_running_processes_take_them(tmp_path: Path) -> None:
    """Names, kinds and robots of a fetched list are known at the next look, and those of the next list after that."""
    clock = FakeClock()
    files = WordFiles(tmp_path / "lists", clock)
    before = (files.refresh(), read_referrer("https://www.findit.test/x", "site.test")[1], is_bot("ShinyNewCrawler/1"))

    fetch(tmp_path, Registry())
    early = files.refresh()
    clock.advance(ms=CHECK_INTERVAL_MS)
    taken = files.refresh()

    assert (False, "findit.test", False) == before
    assert (False, True) == (early, taken)
    assert "FindIt" == read_referrer("https://www.findit.test/x", "site.test")[1]
    assert ["FindIt", "Meet", "Ads", "Google", "other.test"] == [
        source_of_host(host) for host in ("sub.findit.test", "meet.test", "ads.test", "google.ac", "other.test")
    ]
    assert ["Organic Search", "Organic Social", "Referral"] == [
        channel_of(name, "", "", "", "") for name in ("FindIt", "Meet", "Ads")
    ]
    assert (True, True) == (is_bot("ShinyNewCrawler/1"), read_agent("ShinyNewCrawler/1").bot)

    (tmp_path / "lists" / "sources.json").write_text("{broken")
    (tmp_path / "lists" / "bots.json").unlink()
    clock.advance(ms=CHECK_INTERVAL_MS)

    assert files.refresh()
    assert ("findit.test", "", False) == (
        source_of_host("findit.test"), category_of("findit"), is_bot("ShinyNewCrawler/1"),
    )  # fmt: skip


def test_our_own_list_comes_first(tmp_path: Path) -> None:
    """What our list knows keeps its name and kind."""
    hosts = {"google.com": {"source": "Other", "medium": "email"}, "x.test": {"source": "Facebook", "medium": "email"}}
    fetch(tmp_path, Registry(hosts))
    WordFiles(tmp_path / "lists", FakeClock()).refresh()

    assert ("Google", "search") == (source_of_host("google.com"), category_of("google"))
    assert ("Facebook", "social") == (source_of_host("x.test"), category_of("facebook"))


@pytest.mark.parametrize(
    ("registry", "sentence"),
    [
        (Registry(hosts=[]), "is not the list it was"),
        (Registry(hosts={}), "has 0 hosts"),
        (Registry(hosts={"a.test": {"medium": "search"}}), "is not the list it was"),
        (Registry(patterns={}), "is not the list it was"),
        (Registry(patterns=[]), "has 0 patterns"),
        (Registry(patterns=[{"pattern": "("}]), "has a pattern that cannot be read"),
    ],
)
def test_strange_lists_are_refused(registry: Registry, sentence: str, tmp_path: Path) -> None:
    """A package that no longer holds what it held changes nothing."""
    with pytest.raises(ListError, match=sentence):
        fetch(tmp_path, registry)

    assert not (tmp_path / "lists").exists()
