"""
What the read side remembers of days that are over: lists of builds while nothing is written, and answers from rollups.

It holds sums of whole days only, nothing of a visitor, and is empty after a restart.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from warehouse.client import Warehouse
from warehouse.clock import Clock

FACTS_MAX = 500
ROWS_MAX = 50_000
"""Of all answers together: some 15 MB, the first pages of two hundred dashboards."""
ANSWER_ROWS_MAX = 400
"""Longer answers are details and files, which nobody asks for again and again."""
SHARED_MS_MAX = 2_000
"""A store on another machine has other writers: so long a list is believed. Replaced builds stay readable longer."""

Read = TypeVar("Read")
Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Fact:
    state: tuple[tuple[str, int], ...]
    read_ms: int
    value: object


class Memory:
    """
    One process's memory; safe to use from many threads.
    """

    def __init__(self) -> None:
        self._facts: OrderedDict[Hashable, _Fact] = OrderedDict()
        self._answers: OrderedDict[bytes, Rows] = OrderedDict()
        self._rows = 0
        self._answered_in: tuple[str, int] | None = None
        self._lock = threading.Lock()

    def fact(
        self, warehouse: Warehouse, clock: Clock, tables: tuple[str, ...], key: Hashable, read: Callable[[], Read]
    ) -> Read:
        """
        Give what was read before if its tables have not changed since, else read it.
        """
        # Before reading, so that what is written meanwhile makes the fact old at once.
        state, now = tuple(warehouse.state(table) for table in tables), clock.now_ms()
        key = (tables, key)
        with self._lock:
            kept = self._facts.get(key)
        if kept is not None and kept.state == state and (warehouse.embedded or 0 <= now - kept.read_ms < SHARED_MS_MAX):
            return cast("Read", kept.value)
        value = read()
        with self._lock:
            self._facts[key] = _Fact(state, now, value)
            self._facts.move_to_end(key)
            while len(self._facts) > FACTS_MAX:
                self._facts.popitem(last=False)
        return value

    def answer(self, warehouse: Warehouse, sql: str, parameters: Mapping[str, object], ask: Callable[[], Rows]) -> Rows:
        """
        Give the rows of a statement that reads rollups by the numbers of their builds only: those rows never change,
        and another build has another number.
        """
        state = warehouse.removals("rollups")
        key = hashlib.sha256(repr((state, sql, sorted(parameters.items()))).encode()).digest()
        with self._lock:
            if state != self._answered_in:
                # A site's rollups may be gone: then so is everything that was made of them.
                self._answers.clear()
                self._rows = 0
                self._answered_in = state
            kept = self._answers.get(key)
            if kept is not None:
                self._answers.move_to_end(key)
                return kept
        rows = ask()
        if len(rows) <= ANSWER_ROWS_MAX:
            with self._lock:
                if key not in self._answers:
                    self._rows += _weight(rows)
                self._answers[key] = rows
                while self._rows > ROWS_MAX:
                    _, oldest = self._answers.popitem(last=False)
                    self._rows -= _weight(oldest)
        return rows

    def forget(self) -> None:
        """
        Forget everything, as after a start.
        """
        with self._lock:
            self._facts.clear()
            self._answers.clear()
            self._rows = 0


def _weight(rows: Rows) -> int:
    # An empty answer takes room, too.
    return len(rows) + 1
