"""
The gate: the one place that decides which numbers of a few people may be seen (contract, section 3, "Small cells").

`k` counts distinct visitors of a row. Nothing reaches a page, the API or a file except through here. Stable noise for
public views will be added in `Gate.shown`, which sees every row with its number of visitors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.stats.dimensions import OTHER, Dimension
from dashboard.stats.query import MetricWarning, Row, Value, Viewer

SMALL_CELL = MetricWarning("small_cell", "Withheld: the number would be about too few visitors.")


@dataclass(frozen=True, slots=True)
class Cell:
    """
    A row before the gate, with the number of distinct visitors in it.
    """

    dimensions: tuple[str, ...]
    metrics: tuple[Value, ...]
    visitors: int


@dataclass(frozen=True, slots=True)
class Gate:
    """
    The rule for one question.

    Attributes:
        k: the site's; 1 switches the gate off.
    """

    k: int
    viewer: Viewer
    filtered: bool

    @property
    def strict(self) -> bool:
        """
        Whether even the folded row must hold `k` visitors: with filters, and for the public.
        """
        return self.k > 1 and (self.filtered or self.viewer is Viewer.PUBLIC)

    def folds(self, dimensions: Sequence[Dimension]) -> tuple[bool, ...]:
        """
        Tell for each dimension whether rows below `k` lose its label.
        """
        if self.k <= 1:
            return (False,) * len(dimensions)
        return tuple(dimension.family != "time" and (self.strict or not dimension.exact) for dimension in dimensions)

    def judges_total(self, dimensions: Sequence[Dimension]) -> bool:
        """
        Tell whether the question is for a filtered total (or its course over time), which must be judged as a whole.
        """
        return self.k > 1 and self.filtered and all(dimension.family == "time" for dimension in dimensions)

    def withholds_total(self, visitors: int, everybody: int) -> bool:
        """
        Judge a filtered total.

        Args:
            visitors: who fits the filters.
            everybody: all visitors of the period.
        """
        if everybody == 0:
            # Nobody came, so nothing can be learnt of anybody.
            return False
        return visitors < self.k or 0 < everybody - visitors < self.k

    def shown(self, cells: Sequence[Cell]) -> tuple[tuple[Row, ...], bool]:
        """
        Let rows through.

        Returns:
            The rows, and whether a number was withheld.
        """
        rows: list[Row] = []
        withheld = False
        for cell in cells:
            if self.strict and OTHER in cell.dimensions and cell.visitors < self.k:
                rows.append(Row(cell.dimensions, (None,) * len(cell.metrics)))
                withheld = True
            else:
                rows.append(Row(cell.dimensions, cell.metrics))
        return tuple(rows), withheld
