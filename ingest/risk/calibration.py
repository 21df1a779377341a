"""
Calibration: how often an address with a score was a program in the trial. Told beside the score, never instead of it.

The steps were fitted once by isotonic regression on seeds 0 to 9 of every scenario, each scenario with equal weight
(`daysalt.trial.fitting`). They hold for that mixture; a site where nobody attacks has fewer programs at every score.
"""

from __future__ import annotations

from bisect import bisect_right

STEPS: tuple[tuple[int, float], ...] = (
    (0, 0.0), (20, 0.026), (30, 0.477), (38, 0.56), (42, 0.972), (43, 0.982), (48, 1.0),
)  # fmt: skip
"""From this score on, this share."""

_SCORES = tuple(score for score, _ in STEPS)


def probability(score: int) -> float:
    """
    Give the share of programs among addresses of this score.
    """
    return STEPS[bisect_right(_SCORES, score) - 1][1]
