"""
What the read side remembers: lists of builds while nothing is written, answers from rollups, and, until the next
batch, answers about days that are not over.

It holds sums only, nothing of a visitor, and is empty after a restart.
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
OPEN_ROWS_MAX = 10_000
"""Of answers about days that are not over, which the next batch makes old."""
ANSWER_ROWS_MAX = 400
"""Longer answers are details and files, which nobody asks for again and again."""
SHARED_MS_MAX = 2_000
"""A store on another machine has other writers: so long a list is believed. Replaced builds stay readable longer."""

Read = TypeVar("Read")
Rows = Sequence[tuple[Any, ...]]
State = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Fact:
    state: State
    read_ms: int
    value: object


class Memory:
    """
    One process's memory; safe to use from many threads.
    """

    def __init__(self) -> None:
        self._facts: OrderedDict[Hashable, _Fact] = OrderedDict()
        self._closed = _Shelf(ROWS_MAX)
        self._open = _Shelf(OPEN_ROWS_MAX)
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

    def answer(
        self,
        warehouse: Warehouse,
        sql: str,
        parameters: Mapping[str, object],
        ask: Callable[[], Rows],
        *,
        read: tuple[str, ...] = (),
    ) -> Rows:
        """
        Give the rows of a statement again. What reads rollups by the numbers of their builds only never changes, and
        another build has another number; what reads other tables is the same until something is written to them.

        Args:
            read: the other tables. They are asked each time where the store has other writers.
        """
        if read and not warehouse.embedded:
            return ask()
        shelf, state = self._shelf(warehouse, read)
        key = _key(sql, parameters)
        with self._lock:
            kept = shelf.find(state, key)
        if kept is not None:
            return kept
        rows = ask()
        self._keep(shelf, state, key, rows)
        return rows

    def knows(
        self, warehouse: Warehouse, sql: str, parameters: Mapping[str, object], *, read: tuple[str, ...] = ()
    ) -> bool:
        """
        Tell whether the rows of a statement are remembered.
        """
        shelf, state = self._shelf(warehouse, read)
        with self._lock:
            return shelf.find(state, _key(sql, parameters)) is not None

    def learn(
        self,
        warehouse: Warehouse,
        ask: Callable[[], Sequence[tuple[str, Mapping[str, object], Rows]]],
        *,
        read: tuple[str, ...] = (),
    ) -> None:
        """
        Remember the rows of several statements that were asked together.

        Args:
            ask: gives each statement with its values and its rows.
            read: as for `answer`.
        """
        shelf, state = self._shelf(warehouse, read)
        for sql, parameters, rows in ask():
            self._keep(shelf, state, _key(sql, parameters), rows)

    def forget_answers(self) -> None:
        """
        Forget what was answered, not which builds there are: as for a period that nobody looked at before.
        """
        with self._lock:
            self._closed.clear()
            self._open.clear()

    def _shelf(self, warehouse: Warehouse, read: tuple[str, ...]) -> tuple[_Shelf, State]:
        # Read before asking, so that what is written meanwhile makes the answer old at once.
        removed = warehouse.removals("rollups")
        if not read:
            return self._closed, (removed,)
        return self._open, (removed, *(warehouse.state(table) for table in read))

    def _keep(self, shelf: _Shelf, state: State, key: bytes, rows: Rows) -> None:
        if len(rows) <= ANSWER_ROWS_MAX:
            with self._lock:
                shelf.keep(state, key, rows)


class _Shelf:
    """
    Answers in one state of the tables they are from, the latest used last.
    """

    def __init__(self, rows_max: int) -> None:
        self._answers: OrderedDict[bytes, Rows] = OrderedDict()
        self._rows = 0
        self._rows_max = rows_max
        self._state: State = ()

    def find(self, state: State, key: bytes) -> Rows | None:
        """
        Give what is kept, if it is of this state. In another one everything is thrown away: a site's rows may be gone,
        and then so is everything that was made of them.
        """
        if state != self._state:
            self.clear()
            self._state = state
        kept = self._answers.get(key)
        if kept is not None:
            self._answers.move_to_end(key)
        return kept

    def keep(self, state: State, key: bytes, rows: Rows) -> None:
        """
        Keep an answer, if it is still of this state, instead of the ones used longest ago.
        """
        if state != self._state:
            return
        if key not in self._answers:
            self._rows += _weight(rows)
        self._answers[key] = rows
        while self._rows > self._rows_max:
            _, oldest = self._answers.popitem(last=False)
            self._rows -= _weight(oldest)

    def clear(self) -> None:
        """
        Throw everything away.
        """
        self._answers.clear()
        self._rows = 0


def _key(sql: str, parameters: Mapping[str, object]) -> bytes:
    return hashlib.sha256(repr((sql, sorted(parameters.items()))).encode()).digest()


def _weight(rows: Rows) -> int:
    # An empty answer takes room, too.
    return len(rows) + 1
