"""
The gate: the one place that decides which numbers of a few people may be seen (contract, section 3, "Small cells").

`k` counts distinct visitors of a row. Nothing reaches a page, the API or a file except through here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.stats.dimensions import OTHER, Dimension
from dashboard.stats.noise import Noise
from dashboard.stats.query import MetricWarning, Row, Value, Viewer

SMALL_CELL = MetricWarning("small_cell", "Withheld: the number would be about too few visitors.")


@dataclass(frozen=True, slots=True)
class Cell:
    """
    A row before the gate, with the number of distinct visitors in it and, where noise may be asked, their hashes' sum.
    """

    dimensions: tuple[str, ...]
    metrics: tuple[Value, ...]
    visitors: int
    hashed: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """
    The rule for one question.

    Attributes:
        k: the site's; 1 switches the gate off.
        noise: the site's; None where numbers are never blurred.
    """

    k: int
    viewer: Viewer
    filtered: bool
    noise: Noise | None = None

    @property
    def strict(self) -> bool:
        """
        Whether even the folded row must hold `k` visitors: with filters, and for the public.
        """
        return self.k > 1 and (self.filtered or self.viewer is Viewer.PUBLIC)

    @property
    def blurs(self) -> bool:
        """
        Whether small numbers get noise: with filters, for the public.
        """
        return self.k > 1 and self.filtered and self.viewer is Viewer.PUBLIC

    def folds(self, dimensions: Sequence[Dimension]) -> tuple[bool, ...]:
        """
        Tell for each dimension whether rows below `k` lose its label.
        """
        if self.k <= 1:
            return (False,) * len(dimensions)
        return tuple(dimension.family != "time" and (self.strict or not dimension.exact) for dimension in dimensions)

    def judges(self) -> bool:
        """
        Tell whether who fits the filters must be judged as a whole.
        """
        return self.k > 1 and self.filtered

    def withholds_total(self, visitors: int, everybody: int) -> bool:
        """
        Judge a filtered total.

        Args:
            visitors: who fits the filters.
            everybody: all visitors of the period, or who fits all but one of the filters.
        """
        if everybody == 0:
            # Nobody came, so nothing can be learnt of anybody.
            return False
        return visitors < self.k or 0 < everybody - visitors < self.k

    def shown(self, metrics: Sequence[str], cells: Sequence[Cell]) -> tuple[tuple[Row, ...], bool]:
        """
        Let rows through.

        Args:
            metrics: their names, in the order of the cells' numbers.

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
                rows.append(Row(cell.dimensions, self._blurred(metrics, cell)))
        return tuple(rows), withheld

    def _blurred(self, metrics: Sequence[str], cell: Cell) -> tuple[Value, ...]:
        if not self.blurs or self.noise is None:
            return cell.metrics
        return tuple(
            self.noise.blurred(name, value, cell.visitors, cell.hashed, self.k)
            for name, value in zip(metrics, cell.metrics, strict=True)
        )
