"""
Promises of the table: which figures count, what the verdict is, and which rows run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadtests.beacons import draw, write_requests
from loadtests.loading import Loaded, offer, saturate
from loadtests.measured import HEAD, Counted, Measured, Row, Skipped, paired, spread
from loadtests.processes import processes_of, rss_mib
from loadtests.road import SECONDS, Level
from loadtests.rows import ROWS, choose
from loadtests.running import RunningServer, running_bare_app


def never() -> Measured:
    raise Skipped("not run")


MORE = Row("more", "events", 2.0, 3.0, "x", never)
LESS = Row("less", "memory", 550, 400, "MiB", never, less_is_better=True)


@pytest.mark.parametrize(
    ("row", "value", "verdict"),
    [
        (MORE, 3.0, "aim reached"),
        (MORE, 2.99, "must reached"),
        (MORE, 2.0, "must reached"),
        (MORE, 1.99, "below must"),
        (LESS, 400.0, "aim reached"),
        (LESS, 401.0, "must reached"),
        (LESS, 550.0, "must reached"),
        (LESS, 551.0, "below must"),
    ],
)
def test_verdicts(row: Row, value: float, verdict: str) -> None:
    """
    A figure is judged by its must and its aim, upwards or downwards.
    """
    assert verdict == row.verdict(Measured(value, "", None))


def test_a_figure_counts_only_when_stored_equals_accepted() -> None:
    """
    One event too few or too many in the store makes a run's figure void, and so do answers nobody accepted.
    """
    assert Counted(1000, 1000, 1000).exact
    assert Counted(1064, 1064, 1000, 64).exact
    assert not Counted(1000, 999, 1000).exact
    assert not Counted(1000, 1001, 1000).exact
    assert not Counted(999, 999, 1000).exact
    assert not Counted(1001, 1001, 1000).exact
    assert not Counted(1065, 1065, 1000, 64).exact


def test_void_figures_say_so() -> None:
    """
    The line of a void figure has no verdict but that, and both counts.
    """
    measured = Measured(9.9, "fast", Counted(10, 9, 10))

    assert "void" == MORE.verdict(measured)
    assert "void: accepted 10, stored 9" in MORE.line(measured)


def test_lines_fit_the_head() -> None:
    """
    Every line has as many cells as the head, with a figure or without.
    """
    columns = HEAD.splitlines()[0].count("|")

    assert columns == MORE.line(Measured(2.5, "fast", Counted(1, 1, 1))).count("|")
    assert columns == LESS.line_without("skipped: not here").count("|")


def test_rows_are_chosen_by_name() -> None:
    """
    `ROWS=` picks rows, in the order of the table; an unknown name is told with those there are.
    """
    assert ["single", "os"] == [row.name for row in choose("os, single")]
    assert list(ROWS) == choose("")
    assert len(ROWS) == len({row.name for row in ROWS})
    with pytest.raises(ValueError, match="there is no row fast; rows are single, os"):
        choose("fast")


def test_rounds_are_compared_each_by_itself() -> None:
    """
    A machine that is twice as fast in one round takes no part in the figure.
    """
    assert 1.5 == paired([15, 30, 15], [10, 20, 10])
    assert 2 == paired([10, 20, 90], [10, 10, 30])


def test_spread() -> None:
    """
    Figures are a median with their range.
    """
    assert "2,000 (1,000-9,000)" == spread([9000, 1000, 2000])


@pytest.mark.parametrize(
    ("answered", "seconds", "behind", "sustained"),
    [
        (150_000, SECONDS, (9_000, 12_000, 11_000), True),
        (150_000, SECONDS + 3, (9_000, 12_000, 11_000), False),
        (149_999, SECONDS, (9_000, 12_000, 11_000), False),
        (150_000, SECONDS, (9_000, 40_000, 90_000), False),
        (150_000, SECONDS, (0, 5_000, 26_000), False),
        (150_000, SECONDS, (-3_000, 4_000, 3_000, 6_000), True),
        (150_000, SECONDS, (5_000, 9_000, 4_000, 6_000, 40_000, 5_000), True),
        (150_000, SECONDS, (5_000, 9_000, 9_500, 12_000, 40_000, 15_000), False),
        (150_000, SECONDS, (), False),
    ],
)
def test_keeping_up(answered: int, seconds: float, behind: tuple[int, ...], sustained: bool) -> None:
    """
    A rate is sustained when all was answered in time and the store is not further and further behind.
    """
    assert sustained == Level(Loaded(answered, 150_000, seconds, 1.0, 0), behind).sustained


@pytest.mark.parametrize(
    ("lag_s", "accepted", "flushed", "behind"),
    [
        (0.5, 50_000, 37_000, 5_000),  # told at different moments
        (0.5, 50_000, 60_000, 5_000),
        (4.0, 50_000, 10_000, 40_000),
        (0.5, 90_000, 10_000, 65_000),  # the lag is of long ago
    ],
)
def test_how_far_a_store_is_behind(
    monkeypatch: pytest.MonkeyPatch, lag_s: float, accepted: int, flushed: int, behind: int
) -> None:
    """
    The drain's own lag says it; counters that are further apart than two moments can be say more.
    """
    told: dict[str, float] = {
        "daysalt_drain_lag_seconds": lag_s,
        "daysalt_events_accepted_total": accepted,
        "daysalt_events_flushed_total": flushed,
    }

    def metrics(_: RunningServer) -> dict[str, float]:
        return told

    server = RunningServer(port=0, admin_key="", pid=0, domain="")
    monkeypatch.setattr(RunningServer, "metrics", metrics)

    assert behind == server.behind(10_000)


def test_both_loops_against_the_bare_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Closed and open loops of our own generator, each in a process of its own, count every answer.
    """
    monkeypatch.setenv("BENCH_LOAD", "python")
    write_requests(tmp_path / "requests", [beacon.as_request() for beacon in draw(1)])
    with running_bare_app(None) as port:
        closed = saturate(port, None, 0.3, tmp_path / "requests", connections=8)
        opened = offer(port, None, 0.5, tmp_path / "requests", 100)

    assert 50 < closed.answered == closed.offered
    assert (50, 50) == (opened.offered, opened.answered)
    assert 0 < opened.p99_ms


def test_memory_of_a_process() -> None:
    """
    The processes of a server begin with its keeper, and have memory.
    """
    found = processes_of(os.getpid())

    assert (os.getpid(), "keeper") == (found[0].pid, found[0].role)
    assert 10 < rss_mib(os.getpid())
