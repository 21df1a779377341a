"""
The parts of days that are over, read from rollups: the same columns that `RowParts` adds up from events and visits.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dashboard.stats.closed import ClosedDays
from dashboard.stats.dimensions import OTHER, Dimension
from dashboard.stats.filters import condition
from dashboard.stats.parts import PARTS, currency
from dashboard.stats.period import Period
from dashboard.stats.plan import Plan
from dashboard.stats.query import FilterTree
from dashboard.stats.reports import LABELS_MAX, TOTAL, Report
from dashboard.stats.scope import Parameters, Scope, Span, within
from warehouse.registry.goals import Goal

_LABELS = tuple(f"label{number}" for number in range(1, LABELS_MAX + 1))


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
        beside: further reports whose rows are read too, told apart by the column `report`.
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
    beside: Sequence[Report] = ()

    def select(self, plan: Plan, shown: Sequence[str], *, engagement: bool) -> str:
        """
        Add up the parts by labels, for what a question reads.

        Args:
            shown: an expression for each label `d0`, `d1`, ...
            engagement: rows of engagement events alone count as rows, too.

        Returns:
            A SELECT of `f0`, `f1`, ... and the parts as floats.
        """
        there = self._there(plan, engagement)
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
        labels = [f"{text} AS d{index}" for index, text in enumerate(self.labels())]
        parts = [self._part(name) for name in self.wanted]
        return f"SELECT {', '.join([*labels, *parts])} FROM {self._where(there)}"

    def source(self, plan: Plan, *, engagement: bool) -> str:
        """
        The rows as they lie, for what a question reads: `FROM` this, with `labels` and the columns of the parts.
        """
        return self._where(self._there(plan, engagement))

    def source_where(self, there: str) -> str:
        """
        The rows as they lie that fit a condition: `FROM` this.
        """
        return self._where([there])

    def labels(self) -> list[str]:
        """
        An expression for each dimension's label.
        """
        return self._labels("label")

    def folded(self, plan: Plan, folds: Sequence[bool], k: int, *, engagement: bool) -> tuple[list[str], str]:
        """
        The rows added up by label, and labels that give those below `k` visitors up, where nobody is in two rows.

        Returns:
            An expression for each label, and what follows `FROM`.
        """
        names = [f"f{index}" for index in range(len(self.dimensions))]
        kept = [f"{text} AS {name}" for text, name in zip(self.labels(), names, strict=True)]
        added = [f"sum({name}) AS {name}" for name in self.wanted]
        other, least = self.parameters.add(OTHER, "String"), self.parameters.add(k, "UInt32")
        shown = [
            f"if(visitors >= {least}, {name}, {other})" if folding else name
            for name, folding in zip(names, folds, strict=True)
        ]
        source = self.source(plan, engagement=engagement)
        return shown, f"(SELECT {', '.join([*kept, *added])} FROM {source} GROUP BY {', '.join(names)})"

    def overlaps(self, shown: Sequence[str], meeting: str) -> str:
        """
        What `visitors` must be corrected by where several labels of one visitor are shown as one.

        Args:
            meeting: the condition on labels under which one may be shown as another is.

        Returns:
            A SELECT like `select`, with negative visitors.
        """
        labels = [f"{text} AS d{index}" for index, text in enumerate(self._labels("one."))]
        names = [f"f{index}" for index in range(len(shown))]
        sets = (
            f"SELECT {', '.join([*labels, 'day', 'build', 'labels', 'visitors'])} FROM rollup_overlaps"
            f" ARRAY JOIN labels AS one WHERE {self.bounds()}"
        )
        folded = (
            f"SELECT {', '.join(f'{text} AS {name}' for name, text in zip(names, shown, strict=True))},"
            f" any(visitors) AS people, count() AS times FROM ({sets}) WHERE {meeting}"
            f" GROUP BY day, build, labels, {', '.join(names)} HAVING times > 1"
        )
        columns = [*names, "-toFloat64(sum(people * (times - 1))) AS visitors"]
        columns += [f"0. AS {name}" for name in self.wanted if name != "visitors"]
        return f"SELECT {', '.join(columns)} FROM ({folded}) GROUP BY {', '.join(names)}"

    def _where(self, there: Sequence[str]) -> str:
        wheres = [f"({' OR '.join(there)})"] if there else []
        if self.closed.goal_names is not None:
            wheres.append(f"has({self.parameters.add(list(self.closed.goal_names), 'Array(String)')}, label1)")
        if self.filters:
            scope = _LabelScope("events", self.site_id, self.period, self.parameters, report=self.report)
            wheres += [condition(tree, scope) for tree in self.filters]
        sums, days = self._added_up()
        if not sums:
            # All of it is PREWHERE: to find out what should be costs the engine a tenth of a small question.
            return f"rollups PREWHERE {' AND '.join([self.bounds(), *wheres])}"
        firsts = self.parameters.add([first for first, _ in sums], "Array(Date)")
        builds = self.parameters.add([build for _, build in sums], "Array(UInt64)")
        bounds = f"{self._report()} AND day IN {firsts} AND build IN {builds}"
        added = f"rollup_months PREWHERE {' AND '.join([bounds, *wheres])}"
        if not days:
            return added
        columns = ["day", *_LABELS, *self._columns()]
        beside = [self.bounds(), within("day", days, self.parameters), *wheres]
        return (
            f"(SELECT {', '.join(columns)} FROM rollups PREWHERE {' AND '.join(beside)}"
            f" UNION ALL SELECT {', '.join(columns)} FROM {added})"
        )

    def _added_up(self) -> tuple[list[tuple[date, int]], list[Span]]:
        times = {dimension.name for dimension in self.dimensions if dimension.family == "time"}
        return self.closed.added_up(by_month=bool(times)) if times <= {"time:month"} else ([], [])

    def _columns(self) -> list[str]:
        stored = {"revenue": "amounts", "paid": "sales"}
        kept = [stored.get(name, name) for name in self.wanted]
        return list(
            dict.fromkeys([*(["report"] if self.beside else []), *kept, "visit_rows", "event_rows", "engagement_rows"])
        )

    def _there(self, plan: Plan, engagement: bool) -> list[str]:
        # A label that the tables of this question have no row of is not an answer to it.
        there: list[str] = []
        if "visits" in plan.tables:
            there.append("visit_rows > 0")
        if "events" in plan.tables:
            there += ["event_rows > 0", *(["engagement_rows > 0"] if engagement else [])]
        return there

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

    def _report(self) -> str:
        add = self.parameters.add
        site = f"site_id = {add(self.site_id, 'UInt32')}"
        if self.beside:
            names = [report.name for report in (self.report, *self.beside)]
            return f"{site} AND report IN {add(names, 'Array(String)')}"
        return f"{site} AND report = {add(self.report.name, 'String')}"

    def bounds(self) -> str:
        """
        The condition that a row of a daily table is of this site, report and the builds that count.
        """
        add = self.parameters.add
        closed = self.closed
        counting = f"build IN {add(list(closed.builds), 'Array(UInt64)')}"
        if closed.pairs:
            counting = f"(day, build) IN {add(list(closed.pairs), 'Array(Tuple(Date, UInt64))')}"
        return (
            f"{self._report()}"
            f" AND day BETWEEN {add(closed.first, 'Date')} AND {add(closed.last, 'Date')} AND {counting}"
        )

    def _counts(self, name: str, plan: Plan, engagement: bool) -> bool:
        if name == "engagement_rows":
            return engagement and "events" in plan.tables
        if name == "event_rows":
            return "events" in plan.tables
        return True
