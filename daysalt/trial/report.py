"""
The report of a trial: figures of one scenario over some seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from daysalt.trial.play import Outcome, play_each
from daysalt.trial.scenarios import Scenario, write_script
from ingest.risk.assess import MODEL
from ingest.risk.calibration import probability

BINS = 5
LATE_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Bin:
    """
    One bar of the reliability diagram.
    """

    predicted_from: float
    addresses: int
    predicted: float
    """Mean of what was foretold."""
    programs: float
    """Share that were programs."""


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What came of a scenario. Addresses are counted, not events; shares are None where there is nothing to divide by.
    """

    scenario: str
    model: str
    seeds: list[int]
    events: int
    people: int
    people_called_automated: int
    """At any moment, not only at the end: somebody asked then would have been told so."""
    false_alarm_share: float | None
    false_alarm_share_median_run: float | None
    false_alarm_share_worst_run: float | None
    people_called_automated_at_end: int
    programs: int
    programs_found: int
    """At their last event."""
    recall: float | None
    recall_median_run: float | None
    recall_worst_run: float | None
    precision: float | None
    agents: int
    agents_called_automated: int
    events_until_found_median: int | None
    events_until_found_late: int | None
    """Nine of ten programs that were found were found by then."""
    brier: float | None
    reliability: list[Bin]
    target: float | None
    reached: bool | None

    def as_json(self) -> dict[str, Any]:
        """
        Give all figures as plain values.
        """
        return asdict(self)


def evaluate(scenario: Scenario, seeds: Iterable[int], *, left_out: frozenset[str] = frozenset()) -> Figures:
    """
    Play a scenario with each seed and count.

    Args:
        left_out: codes of signals to do without, for an ablation.
    """
    return evaluate_each(scenario, seeds, [left_out])[0]


def evaluate_each(scenario: Scenario, seeds: Iterable[int], left_outs: Sequence[frozenset[str]]) -> list[Figures]:
    """
    Play a scenario with each seed once, and count several times, each time without some signals.

    Returns:
        Figures in the order of `left_outs`.
    """
    runs: list[list[list[Outcome]]] = [[] for _ in left_outs]
    used: list[int] = []
    for seed in seeds:
        used.append(seed)
        for run, played in zip(runs, play_each(write_script(scenario, seed), left_outs), strict=True):
            run.append(list(played.outcomes.values()))
    return [_figures(scenario, used, run) for run in runs]


def _figures(scenario: Scenario, used: list[int], runs: list[list[Outcome]]) -> Figures:
    everyone = [outcome for run in runs for outcome in run]
    people = [outcome for outcome in everyone if outcome.label == "person"]
    programs = [outcome for outcome in everyone if outcome.label == "program"]
    agents = [outcome for outcome in everyone if outcome.label == "agent"]
    found = [outcome for outcome in programs if outcome.found]
    called = [outcome for outcome in people if outcome.called_after is not None]
    found_after = sorted(outcome.called_after for outcome in found if outcome.called_after is not None)
    brier, reliability = _calibration([*people, *programs])
    false_share, recall = _share(len(called), len(people)), _share(len(found), len(programs))
    return Figures(
        scenario=scenario.name,
        model=MODEL,
        seeds=used,
        events=sum(outcome.events for outcome in everyone),
        people=len(people),
        people_called_automated=len(called),
        false_alarm_share=false_share,
        false_alarm_share_median_run=_of_runs(runs, "person", median),
        false_alarm_share_worst_run=_of_runs(runs, "person", max),
        people_called_automated_at_end=sum(outcome.found for outcome in people),
        programs=len(programs),
        programs_found=len(found),
        recall=recall,
        recall_median_run=_of_runs(runs, "program", median),
        recall_worst_run=_of_runs(runs, "program", min),
        precision=_share(len(found), len(found) + len(called)),
        agents=len(agents),
        agents_called_automated=sum(outcome.called_after is not None for outcome in agents),
        events_until_found_median=found_after[len(found_after) // 2] if found_after else None,
        events_until_found_late=found_after[int(len(found_after) * LATE_SHARE)] if found_after else None,
        brier=brier,
        reliability=reliability,
        target=scenario.target,
        reached=_reached(scenario, false_share, recall),
    )


def _reached(scenario: Scenario, false_share: float | None, recall: float | None) -> bool | None:
    if scenario.target is None:
        return None
    if scenario.label == "person":
        return false_share is not None and false_share <= scenario.target
    return recall is not None and recall >= scenario.target


def _of_runs(runs: list[list[Outcome]], label: str, choose: Callable[[list[float]], float]) -> float | None:
    shares: list[float] = []
    for run in runs:
        those = [outcome for outcome in run if outcome.label == label]
        if those:
            hits = sum((o.called_after is not None) if label == "person" else o.found for o in those)
            shares.append(hits / len(those))
    return round(choose(shares), 4) if shares else None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _calibration(outcomes: list[Outcome]) -> tuple[float | None, list[Bin]]:
    pairs = [
        (probability(outcome.last.score), outcome.label == "program")
        for outcome in outcomes
        if outcome.last is not None
    ]
    if not pairs:
        return None, []
    brier = sum((predicted - program) ** 2 for predicted, program in pairs) / len(pairs)
    bins: list[Bin] = []
    for number in range(BINS):
        inside = [pair for pair in pairs if min(BINS - 1, int(pair[0] * BINS)) == number]
        if inside:
            mean = sum(predicted for predicted, _ in inside) / len(inside)
            share = sum(program for _, program in inside) / len(inside)
            bins.append(Bin(number / BINS, len(inside), round(mean, 4), round(share, 4)))
    return round(brier, 5), bins
