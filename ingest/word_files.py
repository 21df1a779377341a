"""
The fetched word lists as a running process uses them: read when they are there, and again when they were replaced.

A list that is missing or broken is done without: what the release brings is always there.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingest.agent import read_agent
from ingest.bots import install_patterns
from ingest.channel import channel_of
from ingest.origin import read_referrer
from ingest.sources import install_fetched
from ingest.word_file import WordFile
from warehouse.clock import Clock
from warehouse.data_dir import BOTS_FILE, SOURCES_FILE

CHECK_INTERVAL_MS = 10_000
"""How often the files are looked at."""
_Seen = tuple[int, int, int] | None


class WordFiles:
    """
    The word lists of a data directory.
    """

    def __init__(self, lists_dir: Path, clock: Clock) -> None:
        self._directory = lists_dir
        self._clock = clock
        self._next_check_ms = clock.monotonic_ms()
        self._seen: dict[str, _Seen] = {SOURCES_FILE: None, BOTS_FILE: None}

    def refresh(self) -> bool:
        """
        Read what was replaced since the last look, at most every `CHECK_INTERVAL_MS`. Reading robots takes a second.

        Returns:
            Whether anything changed: answers that somebody remembers no longer hold.
        """
        if self._clock.monotonic_ms() < self._next_check_ms:
            return False
        self._next_check_ms = self._clock.monotonic_ms() + CHECK_INTERVAL_MS
        changed = False
        if self._is_new(SOURCES_FILE):
            words = self._read(SOURCES_FILE)
            install_fetched(words.hosts if words else {})
            read_referrer.cache_clear()
            channel_of.cache_clear()
            changed = True
        if self._is_new(BOTS_FILE):
            words = self._read(BOTS_FILE)
            install_patterns(words.patterns if words else ())
            read_agent.cache_clear()
            # Here, where nobody waits for it: the patterns are put together at their first use.
            read_agent("")
            changed = True
        return changed

    def _is_new(self, file: str) -> bool:
        try:
            stat = (self._directory / file).stat()
            seen: _Seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            seen = None
        before, self._seen[file] = self._seen[file], seen
        return seen != before

    def _read(self, file: str) -> WordFile | None:
        try:
            return msgspec.json.decode((self._directory / file).read_bytes(), type=WordFile)
        except (OSError, msgspec.DecodeError, UnicodeError):
            return None
