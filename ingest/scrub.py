"""
Hop 3, scrub: personal data that a site put where it does not belong (a path, a referrer, a property, an event's name, a
campaign) is replaced by a placeholder before anything is written. Pure; never fails, any text has a reading.

What is found is counted by kind. The values are nowhere: not in a log, not in an error, not in a file.
The shapes are in `ingest.personal`; here is how a text is read before it is looked at, and what ordinary text costs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from ingest.personal import Kind, replace_personal

TEXTS_MAX = 20_000
"""Suspicious texts remembered with what was found in them; `scrub.cache_info()` counts hits and misses."""
REMEMBERED_LENGTH_MAX = 256
"""Longer texts are read anew each time: they seldom come twice, and would make the memory large."""
SHORTEST = 6
"""Characters of the shortest thing there is to find: `a@b.se`."""
DECODINGS_MAX = 3
"""How often a text is percent-decoded in search of something: `%252540` is an `@` three times wrapped."""

# All there is to find is not ASCII or has an `@`, a `%` or one of these in it; ordinary texts have none. Held to
# `replace_personal` by a test. One pattern each, as an engine that tries alternatives cannot leap to where one begins.
_NUMBER_LENGTH = 7
_NUMBER_LIKE = re.compile(r"[0-9][0-9 ().+/-]{6}")
_NUMBER = re.compile(r"[0-9](?:[ ().+/-]{0,2}[0-9]){6}")
_TOKEN_LENGTH = 20
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20}")
# TRICKY: not by IGNORECASE, which takes `s` and `k` for letters of the range: a long s and the kelvin sign are in it.
_WITH_COLON = re.compile(r":[0-9A-Fa-f]{0,4}:|[tT][eE][lL]:")


class Scrubbed(NamedTuple):
    """
    A text as it may be kept, and the kind of each thing that was replaced in it.
    """

    text: str
    kinds: tuple[Kind, ...] = ()


class ScrubbedValues(NamedTuple):
    """
    An event's name and properties as they may be kept.
    """

    name: str
    props: Mapping[str, str]
    kinds: tuple[Kind, ...]


def is_plain(text: str) -> bool:
    """
    Tell at a glance that there is nothing to replace in a text; False says only that it must be looked at.
    """
    length = len(text)
    if length < SHORTEST:
        return True
    if not text.isascii() or "@" in text or "%" in text or (":" in text and _WITH_COLON.search(text)):
        return False
    # What looks like a number at a glance is looked at twice.
    if length >= _NUMBER_LENGTH and _NUMBER_LIKE.search(text) and _NUMBER.search(text):
        return False
    return length < _TOKEN_LENGTH or _TOKEN.search(text) is None


def scrub(text: str, *, numbers: bool = True) -> Scrubbed:
    """
    Replace personal data in a text.

    Args:
        numbers: False keeps long numbers that are no card's: an advertiser's campaign ids have 17 digits.
    """
    # A look is quicker than remembering: of what is ordinary there is no end, and nothing to remember.
    if is_plain(text):
        return Scrubbed(text)
    return _remembered(text, numbers) if len(text) <= REMEMBERED_LENGTH_MAX else _scrub(text, numbers)


def scrub_values(name: str, props: Mapping[str, str]) -> ScrubbedValues | None:
    """
    Replace personal data in an event's name and in the keys and values of its properties.

    Returns:
        None when there is none, which is nearly always and costs some 100 ns a text.
    """
    kinds = scrub(name).kinds
    for text in (*props, *props.values()):
        if len(text) >= SHORTEST:
            kinds += scrub(text).kinds
    if not kinds:
        return None
    kept = {scrub(key).text: scrub(value).text for key, value in props.items()}
    return ScrubbedValues(scrub(name).text, dict(sorted(kept.items())), kinds)


def _scrub(text: str, numbers: bool) -> Scrubbed:
    read = as_read(text)
    found, kinds = replace_personal(read, numbers=numbers)
    if kinds:
        return Scrubbed(found, tuple(kinds))
    # Nothing was found, so nothing is changed: what looks odd and harms nobody is the owner's.
    return Scrubbed(text)


_remembered = lru_cache(TEXTS_MAX)(_scrub)


def as_read(text: str) -> str:
    """
    Give a text as a person would read it: percent-decoded to the ground, look-alikes of ASCII as ASCII, digits of all
    scripts as digits, and without characters nobody sees.
    """
    for _ in range(DECODINGS_MAX):
        if "%" not in text:
            break
        decoded = unquote(text, errors="replace")
        if decoded == text:
            break
        text = decoded
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in text
        if letter.isascii() or unicodedata.category(letter) != "Cf"
    )
