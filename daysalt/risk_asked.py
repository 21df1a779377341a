"""
Who asked the risk API: counted by key, kind and site, and written into the audit log once a minute.

A thousand checks a second cannot each be a synced line of a chained log; an entry a minute that says how many is as
good for finding out who asked, and holds no address either.
"""

from __future__ import annotations

import asyncio

from daysalt.vault.audit import AuditError, AuditLog
from warehouse.clock import Clock
from warehouse.local_socket import Fields, Operation, SocketRefused
from warehouse.log import logger

TOGETHER_MS = 60_000
"""Checks of one key, kind and site within this time are one entry."""
KINDS = ("risk.check", "risk.visits", "risk.explain", "risk.feedback")
COUNTED_MAX = 10_000
"""Different (key, kind, site) of one minute; there are fewer keys and sites than this."""


class RiskAsked:
    """
    The keeper's count of what collectors were asked.
    """

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._counts: dict[tuple[str, str, str], int] = {}
        self._since_ms = 0
        self._writing = asyncio.Lock()
        self.trouble = ""
        """Why the last entry could not be written; empty when it was."""

    def operations(self) -> dict[str, Operation]:
        """
        Give the operation of `keeper.sock` by which collectors tell what they were asked.
        """

        async def asked(counts: list[list[str | int]]) -> Fields:
            for key, kind, site, count in counts:
                self.count(str(key), str(kind), str(site), int(count))
            return {}

        return {"risk_asked": asked}

    def count(self, key: str, kind: str, site: str, times: int) -> None:
        """
        Count questions.

        Raises:
            SocketRefused: of an unknown kind, or of more keys and sites than there can be.
        """
        if kind not in KINDS:
            raise SocketRefused(f"{kind[:40]!r} is no kind of question: use {', '.join(KINDS)}")
        place = (key[:40], kind, site[:100])
        if place not in self._counts and len(self._counts) >= COUNTED_MAX:
            raise SocketRefused("more keys and sites than there can be")
        if not self._counts:
            self._since_ms = self._clock.monotonic_ms()
        self._counts[place] = self._counts.get(place, 0) + times

    async def write_due(self) -> None:
        """
        Write what a minute gathered. Call it once a second.
        """
        if self._counts and self._clock.monotonic_ms() - self._since_ms >= TOGETHER_MS:
            await self.write()

    async def write(self) -> None:
        """
        Write an entry for each key, kind and site. What cannot be written is kept and tried again.
        """
        async with self._writing:
            taken, self._counts = self._counts, {}
            unwritten = await asyncio.to_thread(self._append, taken)
            if unwritten:
                self._since_ms = self._clock.monotonic_ms()
            for place, times in unwritten.items():
                self._counts[place] = self._counts.get(place, 0) + times

    def _append(self, taken: dict[tuple[str, str, str], int]) -> dict[tuple[str, str, str], int]:
        left = dict(taken)
        for (key, kind, site), times in taken.items():
            try:
                self._audit.append(
                    f"key {key}", kind, subject_kind="address", purpose="fraud_risk", site=site, count=times
                )
            except AuditError as error:
                if not self.trouble:
                    logger().error("the audit log cannot tell who asked the risk API", reason=str(error))
                self.trouble = str(error)
                return left
            del left[(key, kind, site)]
        self.trouble = ""
        return left
