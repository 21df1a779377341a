"""
Fit the calibration: isotonic regression over scores and labels of tuning seeds.

Run by hand when rules change: `python -m daysalt.trial.fitting`; the printed steps go to `ingest/risk/calibration.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from daysalt.trial.play import play
from daysalt.trial.scenarios import SCENARIOS, write_script

SEEDS = range(10)


def fit(points: Iterable[tuple[int, float, float]]) -> list[tuple[int, float]]:
    """
    Pool adjacent violators.

    Args:
        points: score, share of programs among those, weight.

    Returns:
        Steps (from this score, this share), rising.
    """
    blocks: list[list[float]] = []  # first score, share, weight
    for score, share, weight in sorted(points):
        blocks.append([score, share, weight])
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            _, upper_share, upper_weight = blocks.pop()
            lower = blocks[-1]
            both = lower[2] + upper_weight
            lower[1] = (lower[1] * lower[2] + upper_share * upper_weight) / both
            lower[2] = both
    return [(int(score), round(share, 3)) for score, share, _ in blocks]


def main() -> None:
    """
    Print the steps.
    """
    weights: dict[int, list[float]] = {}
    for scenario in SCENARIOS.values():
        outcomes = [
            outcome for seed in SEEDS for outcome in play(write_script(scenario, seed)).outcomes.values()
            if outcome.label != "agent" and outcome.last is not None
        ]  # fmt: skip
        for outcome in outcomes:
            assert outcome.last is not None
            cell = weights.setdefault(outcome.last.score, [0.0, 0.0])
            cell[outcome.label == "program"] += 1 / len(outcomes)
    points = [
        (score, programs / (people + programs), people + programs) for score, (people, programs) in weights.items()
    ]
    print(fit(points))


if __name__ == "__main__":
    main()
