"""
While the drain asks for less, a collector leaves it the processor.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ingest.spool import giving_way
from ingest.spool.giving_way import asked_to_slow_down, give_way_forever
from ingest.spool.segment import SLOW_DOWN, SLOW_DOWN_FRESH_MS
from tests.clocks import FakeClock


def ask(directory: Path, clock: FakeClock) -> None:
    (directory / SLOW_DOWN).touch()
    os.utime(directory / SLOW_DOWN, ns=(0, clock.now_ms() * 1_000_000))


def test_a_fresh_request_counts_and_an_old_one_does_not(tmp_path: Path, clock: FakeClock) -> None:
    """
    A drain that no longer says so is not waited for.
    """
    assert not asked_to_slow_down(tmp_path, clock)
    ask(tmp_path, clock)
    assert asked_to_slow_down(tmp_path, clock)
    clock.advance(seconds=SLOW_DOWN_FRESH_MS // 1000)
    assert not asked_to_slow_down(tmp_path, clock)


def test_it_rests_only_while_asked(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nothing rests before the drain asks; then the loop stands still again and again until it asks no longer.
    """
    rests: list[float] = []
    again = asyncio.Event()

    async def turns() -> None:
        monkeypatch.setattr(giving_way, "LOOK_SECONDS", 0.001)
        giving = asyncio.create_task(give_way_forever(tmp_path, clock, rest))
        for _ in range(3):
            await asyncio.sleep(0)
        assert [] == rests
        ask(tmp_path, clock)
        await again.wait()
        giving.cancel()

    def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) > 1:
            again.set()

    asyncio.run(turns())

    assert {giving_way.REST_SECONDS} == set(rests)
