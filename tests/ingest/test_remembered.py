"""
Tests of the hot path's memory: bounded, generous to what comes again.
"""

from __future__ import annotations

from ingest.remembered import SLOTS, Remembered, SeenBefore


def test_what_is_asked_for_stays() -> None:
    """
    Of a flood of values the one that is asked for now and then is still there, and no more than two generations are.
    """
    kept: Remembered[int, str] = Remembered(10)
    kept.keep(-1, "asked for")
    for number in range(1_000):
        kept.keep(number, "once")
        if number % 5 == 0:
            assert "asked for" == kept.find(-1)

    assert len(kept) <= 20
    assert kept.find(3) is None
    assert 1 == kept.misses


def test_what_comes_once_is_told_from_what_comes_again() -> None:
    """
    A key that comes again soon is known, one of very many is not, but for one in 256 or so.
    """
    seen = SeenBefore()
    pages = [f"/page/{number}".encode() for number in range(SLOTS // 16)]
    first = sum(map(seen.again, pages))
    second = sum(map(seen.again, pages))
    flood = sum(seen.again(f"/other/{number}") for number in range(SLOTS * 4))

    assert first < len(pages) * 0.02
    assert second > len(pages) * 0.9
    assert flood < SLOTS * 4 * 0.02
