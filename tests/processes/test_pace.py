"""
How long the drain rests between two batches.
"""

from __future__ import annotations

from daysalt.pace import (
    FULL_BATCH_RECORDS,
    IDLE_SECONDS,
    PACE_SECONDS,
    STAND_BACK_SECONDS_MAX,
    STORM_EVENTS_A_SECOND,
    STORM_LAG_MS_MAX,
    STORM_LOOK_SECONDS,
    STORM_SECONDS,
    Pace,
    rest,
    stand_back,
)
from tests.clocks import FakeClock

STORM = STORM_EVENTS_A_SECOND + 1


class _Machine:
    """
    A thread's time on the run queue; each look adds a second, of which it waited a part.
    """

    def __init__(self, waited_share: float) -> None:
        self.share, self.ran, self.waited = waited_share, 0, 0

    def __call__(self) -> tuple[int, int]:
        self.ran += round((1 - self.share) * 1e9)
        self.waited += round(self.share * 1e9)
        return self.ran, self.waited


def _rest(waited_share: float, carried: int, *, took: float = 0.1, lag_ms: int = 0, waiting: int = 0) -> float:
    clock = FakeClock()
    pace = Pace(clock, _Machine(waited_share))
    clock.advance(seconds=1)
    return pace.rest_seconds(carried, took, lag_ms, waiting)


def test_a_quiet_spool_is_looked_at_again_soon() -> None:
    """
    With nothing to carry the next look is near.
    """
    assert _rest(0.9, 0) == IDLE_SECONDS


def test_an_ordinary_batch_waits_for_company() -> None:
    """
    From one small batch to the next it is the pace, however long the batch took of it.
    """
    assert round(PACE_SECONDS - 0.1, 6) == round(_rest(0.1, 1000), 6)
    assert _rest(0.1, 1000, took=5) == 0


def test_a_backlog_is_carried_without_a_rest() -> None:
    """
    A full batch on a machine with time to spare is followed by the next at once.
    """
    assert _rest(0.1, FULL_BATCH_RECORDS) == 0


def test_in_a_storm_the_drain_gives_way() -> None:
    """
    Much comes in and processors are wanted by others: rest long.
    """
    assert _rest(0.9, STORM) == STORM_SECONDS


def test_a_storm_is_known_by_what_waits() -> None:
    """
    The first batch of a storm is small and slow; what came in meanwhile tells.
    """
    assert _rest(0.9, 300, took=2, waiting=2 * STORM) == STORM_SECONDS
    assert _rest(0.9, 300, took=2, waiting=STORM) < STORM_SECONDS
    assert _rest(0.1, 300, took=2, waiting=2 * STORM) < STORM_SECONDS


def test_one_slow_batch_between_quick_ones_is_no_storm() -> None:
    """
    Where a second processor has room, a batch is held up now and then by chance; only when it goes on is it a storm.
    """
    clock, machine = FakeClock(), _Machine(0.3)
    pace = Pace(clock, machine)
    rests: list[float] = []
    for share in (0.3, 0.3, 0.8, 0.3, 0.9, 0.9, 0.9):
        machine.share = share
        clock.advance(seconds=1)
        rests.append(pace.rest_seconds(2 * STORM, 0.1, 0))

    assert rests == [0, 0, 0, 0, 0, STORM_SECONDS, STORM_SECONDS]


def test_far_behind_it_gives_way_no_longer() -> None:
    """
    Giving way ends before anybody is refused.
    """
    assert _rest(0.9, 2 * STORM, lag_ms=STORM_LAG_MS_MAX) == 0


def test_on_a_busy_machine_ordinary_traffic_stays_fresh() -> None:
    """
    What others do on the machine does not hold back what must be seen within two seconds.
    """
    assert _rest(0.9, 5000) < PACE_SECONDS


def test_a_system_that_tells_nothing_is_never_pressed() -> None:
    """
    Without figures of the run queue the drain works as if it were alone.
    """
    clock = FakeClock()
    pace = Pace(clock, lambda: (0, 0))
    clock.advance(seconds=1)

    assert pace.rest_seconds(2 * STORM, 0.1, 0) == 0


def _rested(seconds: float, arriving: int, *, stops: bool = False) -> float:
    rested = waiting = 0.0

    def wait(for_seconds: float) -> bool:
        nonlocal rested, waiting
        rested += for_seconds
        waiting += arriving * for_seconds
        return stops

    rest(seconds, wait, lambda: round(waiting))
    return rested


def test_a_rest_goes_on_as_long_as_its_storm() -> None:
    """
    A short rest is rested whole; a long one while much comes in, and not after a stop.
    """
    assert _rested(PACE_SECONDS, 0) == PACE_SECONDS
    assert _rested(STORM_SECONDS, STORM) == STORM_SECONDS
    assert _rested(STORM_SECONDS, 100) == STORM_LOOK_SECONDS
    assert _rested(STORM_SECONDS, STORM, stops=True) == STORM_LOOK_SECONDS


def _stood_back(storm_seconds: float, stop_after: float = 1e9) -> float:
    waited = 0.0

    def wait(seconds: float) -> bool:
        nonlocal waited
        waited += seconds
        return waited >= stop_after

    stand_back(lambda: waited < storm_seconds, wait)
    return waited


def test_the_vault_stands_back_as_long_as_a_storm_lasts_and_not_for_ever() -> None:
    """
    Nothing is waited for when there is no storm, nor after all is to stop.
    """
    assert 0 == _stood_back(0)
    assert 3 == _stood_back(3)
    assert STAND_BACK_SECONDS_MAX == _stood_back(60)
    assert 2 == _stood_back(60, stop_after=2)
