"""
The parts of days that are over, read from rollups: the same columns that `RowParts` adds up from events and visits.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.stats.closed import ClosedDays
from dashboard.stats.dimensions import Dimension
from dashboard.stats.filters import condition
from dashboard.stats.parts import PARTS, currency
from dashboard.stats.period import Period
from dashboard.stats.plan import Plan
from dashboard.stats.query import FilterTree
from dashboard.stats.reports import TOTAL, Report
from dashboard.stats.scope import Parameters, Scope
from warehouse.registry.goals import Goal


@dataclass(slots=True)
class _LabelScope(Scope):
    """
    Reads dimensions from the labels of a report.
    """

    report: Report = TOTAL

    def column(self, dimension: Dimension) -> str:
        label = f"label{self.report.dimensions.index(dimension) + 1}"
        # As in the tables of events and visits, what is not known is an empty text.
        return f"if({label} = {self.parameters.add(dimension.empty, 'String')}, '', CAST({label}, 'String'))"


@dataclass(frozen=True, slots=True)
class RollupParts:
    """
    The rollup rows of one site and report, of some days' builds.

    Attributes:
        dimensions: of the question, in its order; days, weeks and months are made from the row's day.
        closed: the days, and the builds that count; goals it does not name are left out.
        wanted: the parts to add up, of `PARTS`.
        goals: of the site, for the currencies of revenue.
        filters: on labels of the report; only for totals from elsewhere, for of one's own the rows are asked.
    """

    site_id: int
    period: Period
    report: Report
    dimensions: tuple[Dimension, ...]
    closed: ClosedDays
    parameters: Parameters
    wanted: Sequence[str] = PARTS
    goals: Sequence[Goal] = ()
    filters: Sequence[FilterTree] = ()

    def select(self, plan: Plan, shown: Sequence[str], *, engagement: bool) -> str:
        """
        Add up the parts by labels, for what a question reads.

        Args:
            shown: an expression for each label `d0`, `d1`, ...
            engagement: rows of engagement events alone count as rows, too.

        Returns:
            A SELECT of `f0`, `f1`, ... and the parts as floats.
        """
        # A label that the tables of this question have no row of is not an answer to it.
        there: list[str] = []
        if "visits" in plan.tables:
            there.append("visit_rows > 0")
        if "events" in plan.tables:
            there += ["event_rows > 0", *(["engagement_rows > 0"] if engagement else [])]
        columns = [
            *(f"{text} AS f{index}" for index, text in enumerate(shown)),
            *(f"toFloat64(sum({name})) AS {name}" if self._counts(name, plan, engagement) else f"0. AS {name}"
              for name in self.wanted),
        ]  # fmt: skip
        group = f" GROUP BY {', '.join(f'f{index}' for index in range(len(shown)))}" if shown else ""
        return f"SELECT {', '.join(columns)} FROM ({self.rows(there)}){group}"

    def rows(self, there: Sequence[str] = ()) -> str:
        """
        Every row with its labels `d0`, `d1`, ... and the parts.
        """
        labels = [f"{text} AS d{index}" for index, text in enumerate(self._labels("label"))]
        wheres = [self._bounds(), *([f"({' OR '.join(there)})"] if there else [])]
        if self.closed.goal_names is not None:
            wheres.append(f"has({self.parameters.add(list(self.closed.goal_names), 'Array(String)')}, label1)")
        if self.filters:
            scope = _LabelScope("events", self.site_id, self.period, self.parameters, report=self.report)
            wheres += [condition(tree, scope) for tree in self.filters]
        parts = [self._part(name) for name in self.wanted]
        return f"SELECT {', '.join([*labels, *parts])} FROM rollups WHERE {' AND '.join(wheres)}"

    def overlaps(self, shown: Sequence[str]) -> str:
        """
        What `visitors` must be corrected by where several labels of one visitor are shown as one.

        Returns:
            A SELECT like `select`, with negative visitors.
        """
        labels = [f"{text} AS d{index}" for index, text in enumerate(self._labels("one."))]
        names = [f"f{index}" for index in range(len(shown))]
        sets = (
            f"SELECT {', '.join([*labels, 'day', 'build', 'labels', 'visitors'])} FROM rollup_overlaps"
            f" ARRAY JOIN labels AS one WHERE {self._bounds()}"
        )
        folded = (
            f"SELECT {', '.join(f'{text} AS {name}' for name, text in zip(names, shown, strict=True))},"
            f" any(visitors) AS people, count() AS times FROM ({sets})"
            f" GROUP BY day, build, labels, {', '.join(names)} HAVING times > 1"
        )
        columns = [*names, "-toFloat64(sum(people * (times - 1))) AS visitors"]
        columns += [f"0. AS {name}" for name in self.wanted if name != "visitors"]
        return f"SELECT {', '.join(columns)} FROM ({folded}) GROUP BY {', '.join(names)}"

    def _part(self, name: str) -> str:
        if name not in ("revenue", "paid"):
            return name
        code = currency(self.dimensions, (), self.goals, self.parameters)
        return f"{'amounts' if name == 'revenue' else 'sales'}[{code}] AS {name}"

    def _labels(self, prefix: str) -> list[str]:
        scope = Scope("events", self.site_id, self.period, self.parameters)
        labels: list[str] = []
        for dimension in self.dimensions:
            if dimension in self.report.dimensions:
                label = f"{prefix}{self.report.dimensions.index(dimension) + 1}"
                if dimension.by_clock:
                    label = f"concat(toString(day), ' ', {label})"
                elif self.closed.goal_names is not None and dimension.name == "event:goal":
                    keys = self.parameters.add(list(self.closed.goal_names), "Array(String)")
                    texts = self.parameters.add(list(self.closed.goal_names.values()), "Array(String)")
                    label = f"transform(CAST({label}, 'String'), {keys}, {texts}, '')"
            else:
                label = scope.bucket(dimension, "")
            labels.append(label)
        return labels

    def _bounds(self) -> str:
        add = self.parameters.add
        closed = self.closed
        counting = f"build IN {add(list(closed.builds), 'Array(UInt64)')}"
        if closed.pairs:
            counting = f"(day, build) IN {add(list(closed.pairs), 'Array(Tuple(Date, UInt64))')}"
        return (
            f"site_id = {add(self.site_id, 'UInt32')} AND report = {add(self.report.name, 'String')}"
            f" AND day BETWEEN {add(closed.first, 'Date')} AND {add(closed.last, 'Date')} AND {counting}"
        )

    def _counts(self, name: str, plan: Plan, engagement: bool) -> bool:
        if name == "engagement_rows":
            return engagement and "events" in plan.tables
        if name == "event_rows":
            return "events" in plan.tables
        return True
