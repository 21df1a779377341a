"""
The shape of a fetched word list in the data directory.
"""

from __future__ import annotations

import msgspec

from ingest.sources import Category


class WordFile(msgspec.Struct):
    """
    A file in place: where it is from, and its words.

    Attributes: `about` has origin, version, date and licence; `hosts` name and kind by host; `patterns` regular
    expressions of user agents.
    """

    about: dict[str, str]
    hosts: dict[str, tuple[str, Category]] = {}
    patterns: list[str] = []
