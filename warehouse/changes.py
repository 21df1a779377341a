"""
What this process did to the tables of a store, so that somebody who read one knows whether it may have changed.
"""

from __future__ import annotations

import re
import threading
from collections import Counter

_INSERTED: Counter[tuple[str, str]] = Counter()
_COMMANDED: Counter[tuple[str, str]] = Counter()
"""By store and table: how often it was inserted into, and named by another command."""
_LOCK = threading.Lock()
_INTO = re.compile(r"\s*INSERT INTO (\w+)")
_WORD = re.compile(r"[a-z_]+")


def note_insert(store: str, table: str) -> None:
    """
    Note rows that may have been added. Called after the statement, also after one that failed.
    """
    with _LOCK:
        _INSERTED[store, table] += 1


def note_command(store: str, sql: str) -> None:
    """
    Note what a command may have changed: the table it inserts into, else whatever it names.
    """
    into = _INTO.match(sql)
    if into is not None:
        note_insert(store, into[1])
        return
    with _LOCK:
        for word in set(_WORD.findall(sql)):
            _COMMANDED[store, word] += 1


def changes(store: str, table: str) -> int:
    """
    Count what may have changed a table.
    """
    with _LOCK:
        return _INSERTED[store, table] + _COMMANDED[store, table]


def removals(store: str, table: str) -> int:
    """
    Count what may have taken something out of a table, or altered it.
    """
    with _LOCK:
        return _COMMANDED[store, table]
