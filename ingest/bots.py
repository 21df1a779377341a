"""
Hop 3, bots: whether a user agent says that it is no person.

Patterns come from the crawler-user-agents package (MIT), which also lists HTTP libraries (curl, python-requests); newer
ones of it are added once `daysalt data fetch` has brought them (`ingest.word_files`).
They are matched by the prefiltered engine of ua-parser-rs: 5 microseconds for all 1,500, where one alternation of
the standard library's `re` takes 400, and 1,800 on hostile text. An empty or odd user agent alone is no reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import ua_parser_rs

USER_AGENT_LENGTH_MAX = 512
"""What is looked at of a user agent, in characters."""
BOT_ANSWERS_MAX = 20_000
"""Answers kept in memory; `is_bot.cache_info()` counts hits and misses."""

# Driven browsers and link fetchers that the list does not name, or only in some forms.
OWN_PATTERNS = ("Headless", "PhantomJS", "[Pp]uppeteer", "[Pp]laywright")

_fetched: tuple[str, ...] = ()


def compiled_patterns(patterns: Iterable[str]) -> ua_parser_rs.UserAgentExtractor:
    """
    Make one matcher of many patterns.

    Raises:
        ValueError: one of them is no regular expression that the engine knows.
    """
    return ua_parser_rs.UserAgentExtractor((pattern, "bot", None, None, None, None) for pattern in patterns)


def install_patterns(fetched: Iterable[str]) -> None:
    """
    Look for fetched patterns beside those of the release, in place of ones fetched before.
    """
    global _fetched
    _fetched = tuple(fetched)
    _crawlers.cache_clear()
    is_bot.cache_clear()


def _patterns() -> list[str]:
    import crawleruseragents

    entries: list[dict[str, object]] = crawleruseragents.CRAWLER_USER_AGENTS_DATA
    return [*OWN_PATTERNS, *(str(entry["pattern"]) for entry in entries)]


@lru_cache(1)
def _crawlers() -> ua_parser_rs.UserAgentExtractor:
    # Built at first use: the store process knows this module for what an access log brings, and seldom sees one.
    try:
        return compiled_patterns(dict.fromkeys((*_patterns(), *_fetched)))
    except ValueError:
        # A file that somebody wrote by hand; fetched ones were tried before they were put there.
        return compiled_patterns(dict.fromkeys(_patterns()))


@lru_cache(BOT_ANSWERS_MAX)
def is_bot(user_agent: str) -> bool:
    """
    Tell whether a user agent is a declared crawler, a driven browser or an HTTP library.
    """
    return _crawlers().extract(user_agent[:USER_AGENT_LENGTH_MAX]) is not None
