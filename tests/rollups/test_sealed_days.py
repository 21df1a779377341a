"""
A closed day is sealed by itself: what is asked of it stays the same, the ids do not.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.query import StatsQuery
from daysalt.closer import Closer
from daysalt.day_sealer import DaySealer
from daysalt.rebuilding import RebuildError, rebuild
from ingest.manifest import Manifest, write_manifest
from tests.clocks import FakeClock
from tests.rollups.test_closer import RANGE, TODAY, Bench

QUESTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("event:page",),
    ("visit:source",),
    ("time:hour",),
    ("visit:entry_page",),
    ("visit:browser",),
)


class SealingBench(Bench):
    """
    A bench whose closer seals what it closed, with a drain's state.
    """

    def __init__(self, context: Context, clock: FakeClock, state_dir: Path) -> None:
        super().__init__(context, clock)
        self.resting = threading.Lock()
        self.state_dir = state_dir
        self.closer = Closer(
            context.warehouse,
            context.registry,
            clock,
            resting=self.resting,
            caught_up_ms=lambda: self.caught_up_ms,
            closed=DaySealer(context.warehouse, state_dir, resting=self.resting).seal,
        )

    def promise(self, *, done: bool) -> None:
        """
        Leave the manifest of the last batch, as the drain does.
        """
        write_manifest(self.state_dir, Manifest(self.batch, done=done))

    def answers(self) -> list[Any]:
        """
        Ask everything unfiltered.
        """
        metrics = ("visitors", "visits", "pageviews")
        return [
            [
                (row.dimensions, row.metrics)
                for row in answer(self.context, self.site, StatsQuery(metrics, RANGE, dimensions=dimensions)).rows
            ]
            for dimensions in QUESTIONS
        ]

    def ids(self) -> set[int]:
        """
        Give every visitor id and visit id that the store has.
        """
        rows = self.context.warehouse.query(
            "SELECT visitor_id FROM events UNION DISTINCT SELECT visit_id FROM events"
            " UNION DISTINCT SELECT visitor_id FROM visits UNION DISTINCT SELECT visit_id FROM visits"
        )
        return {int(row[0]) for row in rows}

    def sealed_events(self) -> list[tuple[Any, ...]]:
        """
        Count events by whether they are sealed.
        """
        return self.context.warehouse.query("SELECT sealed, count() FROM events GROUP BY sealed ORDER BY sealed")


@pytest.fixture
def bench(context: Context, clock: FakeClock, tmp_path: Path) -> SealingBench:
    return SealingBench(context, clock, tmp_path / "drain")


def test_a_closed_day_is_counted_and_sealed(bench: SealingBench) -> None:
    """
    After its salt's death a day's rows have other ids, every unfiltered answer is what it was, and the day is not
    counted from its rows again by a command.
    """
    bench.flush(1, 2)
    bench.flush(2, 3, 4, path="/late-noon")
    bench.promise(done=True)
    before, ids = bench.answers(), bench.ids()
    bench.at("2026-11-23T00:29:59")
    bench.closer.look()
    assert [(0, 5)] == bench.sealed_events()

    bench.at("2026-11-23T00:30:00")
    bench.closer.look()

    assert {TODAY} == bench.built
    assert [(1, 5)] == bench.sealed_events()
    assert before == bench.answers()
    assert set() == ids & bench.ids()
    assert len(ids) == len(bench.ids())
    with pytest.raises(RebuildError, match="is sealed"):
        list(rebuild(bench.context.warehouse, bench.context.registry, bench.closer, bench.site.domain, "", ""))
    assert (4, 4, 5) == bench.totals()


def test_a_batch_that_may_be_written_again_keeps_its_day_open(bench: SealingBench) -> None:
    """
    Rows that a crash could bring once more are not touched; the first round after they are safe seals them.
    """
    bench.flush(1, 2)
    bench.promise(done=False)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    assert [(0, 2)] == bench.sealed_events()

    bench.promise(done=True)
    bench.closer.look()

    assert [(1, 2)] == bench.sealed_events()


def test_what_comes_late_for_a_sealed_day_is_counted_and_sealed(bench: SealingBench) -> None:
    """
    Two late batches of one newcomer count as one visitor, and the next round seals them.
    """
    bench.flush(1, 2)
    bench.promise(done=True)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.flush(3)
    bench.flush(3, path="/late")
    bench.promise(done=True)
    assert [(0, 2), (1, 2)] == bench.sealed_events()
    bench.closer.look()

    assert [(1, 4)] == bench.sealed_events()
    assert (3, 3, 4) == bench.totals()
