"""
What a row of the table promises, what a run of it gave, and the verdict.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class Skipped(Exception):
    """
    The row cannot be measured here; the text says why.
    """


@dataclass(frozen=True, slots=True)
class Counted:
    """
    The events of a run. A figure is void unless they agree.
    """

    accepted: int
    """By the server's own counter."""
    stored: int
    """By the stats."""
    answered: int
    """By the generator, in events."""
    under_way_max: int = 0
    """Events that may have been accepted after the generator stopped listening; 0 for one that waits for all."""

    @property
    def exact(self) -> bool:
        return self.stored == self.accepted and 0 <= self.accepted - self.answered <= self.under_way_max

    def __str__(self) -> str:
        if self.exact:
            return f"{self.stored:,} = {self.accepted:,}"
        return f"void: accepted {self.accepted:,}, stored {self.stored:,}, answered {self.answered:,}"


@dataclass(frozen=True, slots=True)
class Measured:
    """
    What one run of a row gave.
    """

    value: float
    figures: str
    """The absolute figures behind it, for people."""
    counted: Counted | None
    """None where no events were accepted, as for a memory figure."""


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of the table.
    """

    name: str
    """As in `make bench ROWS=name`."""
    measures: str
    must: float
    aim: float
    unit: str
    run: Callable[[], Measured]
    durability: str = "fsync"
    less_is_better: bool = False

    def verdict(self, measured: Measured) -> str:
        """
        Say in two words whether the figure is enough.
        """
        if measured.counted is not None and not measured.counted.exact:
            return "void"
        sign = -1 if self.less_is_better else 1
        if sign * measured.value >= sign * self.aim:
            return "aim reached"
        return "must reached" if sign * measured.value >= sign * self.must else "below must"

    def line(self, measured: Measured) -> str:
        """
        Write it as a line of a Markdown table.
        """
        counted = "-" if measured.counted is None else str(measured.counted)
        return (
            f"| {self.name} | {self.measures} | {self.must:g} {self.unit} | {self.aim:g} {self.unit} "
            f"| **{measured.value:.3g} {self.unit}** | {self.verdict(measured)} | {measured.figures} | {counted} "
            f"| {self.durability} |"
        )

    def line_without(self, why: str) -> str:
        """
        Write it as a line that says why there is no figure.
        """
        return (
            f"| {self.name} | {self.measures} | {self.must:g} {self.unit} | {self.aim:g} {self.unit} "
            f"| - | {why} | | | {self.durability} |"
        )


HEAD = (
    "| row | what | must | aim | measured | verdict | figures: median (min-max) | stored = accepted | durability |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """
    Tell how many times theirs ours are: the median of the rounds' ratios.

    The two of a round met the same moment of the machine; the medians of all rounds may come from different ones, and
    a machine that is shared can be twice as fast in one minute as in the next.
    """
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def spread(found: Sequence[float], digits: int = 0) -> str:
    """
    Write a median with its range.
    """
    return f"{statistics.median(found):,.{digits}f} ({min(found):,.{digits}f}-{max(found):,.{digits}f})"
