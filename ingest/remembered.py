"""
A bounded memory of answers worked out before, for the hot path: one dictionary look-up to find one again.

Two generations instead of a list of use: what is asked for moves to the young one, and when that is full the old one
is forgotten as a whole. `functools.lru_cache` wants a call for each look-up, and its whole key kept in step with ours.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """
    At most `2 * size` values; those asked for since the last turn of generations are among them.

    The hot path looks into `young` by itself and calls `find` only when it is not there.
    """

    __slots__ = ("_old", "_size", "misses", "young")

    def __init__(self, size: int) -> None:
        self._size = size
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self.misses = 0
        """How often nothing was found, for the operator."""

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def find(self, key: K) -> V | None:
        """
        Give what is remembered, and remember it longer.
        """
        value = self.young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is None:
                self.misses += 1
            else:
                self.keep(key, value)
        return value

    def keep(self, key: K, value: V) -> None:
        """
        Remember a value.
        """
        if len(self.young) >= self._size:
            self._old, self.young = self.young, {}
        self.young[key] = value

    def forget(self) -> None:
        """
        Forget everything.
        """
        self.young, self._old = {}, {}


SLOTS = 1 << 15


class SeenBefore:
    """
    Tells what comes a second time from what comes once: of things without end only the former are worth remembering,
    since what is made for one moment lies in memory that is still at hand.

    One byte of Python's own hash in each of `SLOTS` places. Whatever takes a place forgets who had it; one answer in
    256 is a wrong yes.
    """

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks = bytearray(SLOTS)

    def again(self, key: Hashable) -> bool:
        """
        Tell whether a key came before, as far as is known, and note that it has come.
        """
        code = hash(key)
        place, mark = code & (SLOTS - 1), code >> 15 & 255
        if self._marks[place] == mark:
            return True
        self._marks[place] = mark
        return False
