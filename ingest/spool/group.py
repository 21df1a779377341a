"""
What is about to be written together: records, and who waits for them.

`ingest/plain_native.pyx` has the same compiled; where that is there, it takes the place of this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ingest.compiled import is_compiled

Done = Callable[[Exception | None], None]


class SpoolGroup:
    """
    A base of `ingest.spool.writer.SpoolWriter`, which begins and ends groups.
    """

    _record_bytes: int
    _enough: int
    """Records that end the pause."""

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self._waiting: list[Done] = []

    def append_one(self, record: bytes, done: Done) -> None:
        """
        Take one record in; `done` is called once it is safe, or with the error that kept it from that.

        Raises:
            SpoolFull: the spool is at its limit, or the drain asked to slow down.
        """
        if not self._records:
            self._begin_group()
        self._records.append(record)
        self._waiting.append(done)
        self._record_bytes += len(record)
        if len(self._records) >= self._enough:
            self._end_pause()

    def _begin_group(self) -> None:
        raise NotImplementedError

    def _end_pause(self) -> None:
        raise NotImplementedError


def tell(waiting: list[Done], failure: Exception | None) -> None:
    """
    Tell those who wait that their records are safe, or what kept them from it.
    """
    for done in waiting:
        done(failure)


if not TYPE_CHECKING and is_compiled():
    from ingest.plain_native import SpoolGroup, tell  # noqa: F401
