"""
Signals and findings: the shape of one reason.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ingest.risk.evidence import Evidence

Group = Literal["network", "velocity", "client", "behaviour", "content", "limit"]


class Finding(NamedTuple):
    """
    What a signal found: points, negative for a counter-reason, and the value they come from.
    """

    points: int
    value: int | str


@dataclass(frozen=True, slots=True)
class Signal:
    """
    One signal. `find` is pure; its docstring is the reasoning, published in the documentation.
    """

    code: str
    group: Group
    points_max: int
    find: Callable[[Evidence], Finding | None]

    @property
    def reasoning(self) -> str:
        """
        Why this says something, in a few sentences.
        """
        return inspect.getdoc(self.find) or ""


def steps(value: float, *rungs: tuple[float, int]) -> int:
    """
    Give the points of the highest rung reached, 0 below the first. Rungs go upwards: (at least, points).
    """
    reached = 0
    for least, points in rungs:
        if value >= least:
            reached = points
    return reached
