"""
The statement for one question: at most one SELECT over events, one over visits and, for days that are over, one over
rollups, joined by `UNION ALL`.

Each SELECT gives additive parts by the labels of the dimensions; the outer one adds them up and forms the metrics.
Texts put together here come from the registries only; every value is a parameter.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dashboard.stats.closed import ClosedDays
from dashboard.stats.dimensions import OTHER, Dimension
from dashboard.stats.filters import row_conditions, unconverted
from dashboard.stats.goals import goals_in_play
from dashboard.stats.imported import ImportedTotals, total_of
from dashboard.stats.metric_sql import METRIC_SQL
from dashboard.stats.metrics import ENGAGEMENT_METRICS, METRICS, REVENUE_METRICS
from dashboard.stats.noise import CELL_HASH
from dashboard.stats.parts import PARTS, VISITORS, RowParts, wanted_parts
from dashboard.stats.period import Period
from dashboard.stats.plan import Plan, make_plan
from dashboard.stats.query import FilterTree, Order, StatsQuery
from dashboard.stats.reports import LARGE, TOTAL, Report
from dashboard.stats.rollup_parts import RollupParts
from dashboard.stats.scope import Parameters, Scope
from dashboard.stats.statement import ALL_CORES, Statement
from warehouse.registry.goals import Goal


@dataclass(slots=True)
class Question:
    """
    Everything that the statements for one question are made from.
    """

    site_id: int
    period: Period
    query: StatsQuery
    dimensions: tuple[Dimension, ...]
    goals: Sequence[Goal]
    folded: tuple[bool, ...]
    """For each dimension: rows with fewer than `k` visitors lose its label."""
    k: int
    report: Report | None = None
    """What of the rollups answers it, if anything does."""
    closed: ClosedDays | None = None
    """The days that rollups know; None when they are not to be used."""
    overlapping: bool = True
    """Somebody may be in two rows of the rollups on one day."""
    imported: tuple[ImportedTotals, ...] = ()
    """Daily totals from elsewhere, to be added."""
    blurs: bool = False
    """The people of each row are asked for, for its noise; only with filters, which rollups do not answer."""
    everybody: int | None = None
    """Visitors of the whole period, where that is known already; else a rate counts them beside its rows."""

    parameters: Parameters = field(default_factory=Parameters)

    @property
    def is_of_rollups(self) -> bool:
        """
        Whether the answer is made of rollups alone: then it is the same as long as their builds are.
        """
        return self.report is not None and self.closed is not None and not self.closed.open_spans

    @property
    def reads_one_sum(self) -> bool:
        """
        Whether what it reads of rollups is few rows: all of its days that are over, added up before.
        """
        return self.closed is not None and self.closed.is_one_sum

    @property
    def reads(self) -> tuple[str, ...]:
        """
        The tables that are read row by row.
        """
        return () if self.is_of_rollups else ("events", "visits")

    def rows(self) -> Statement:
        """
        Ask for the rows of the answer.
        """
        cells = any(self.folded) or self.blurs
        plan = make_plan(self.query.metrics, self.dimensions, self.query.filters, self.period, cells=cells)
        names = [f"d{index}" for index in range(len(self.dimensions))]
        labels, source = self._flat(plan) or (names, f"({' UNION ALL '.join(self._parts(plan))})")
        total = "count() OVER ()" if self.query.total_rows else "toUInt64(0)"
        # Only who fits filters is judged by all rows together.
        everyone = "sum(toUInt64(sum(visitors))) OVER ()" if self.query.filters else "toUInt64(0)"
        columns = [
            *(label if label == name else f"{label} AS {name}" for label, name in zip(labels, names, strict=True)),
            *(f"{self._metric(name)} AS m{index}" for index, name in enumerate(self.query.metrics)),
            *([f"{CELL_HASH} AS hashed"] if self.blurs else []),
            "toUInt64(sum(visitors)) AS cell",
            f"{everyone} AS everyone",
            f"{total} AS total",
        ]
        statement = f"SELECT {', '.join(columns)} FROM {source}"
        if names:
            statement += f" GROUP BY {', '.join(names)}"
            having: list[str] = []
            if self._asks_events(plan):
                # Visits know a page as their entry; a page that no event fits is not asked for.
                rows = "sum(event_rows) + sum(engagement_rows)" if self._asks_engagement else "sum(event_rows)"
                having.append(f"{rows} > 0")
            if self.query.only and len(names) == 1 and not self.query.filters and not any(self.folded):
                having.append(f"d0 IN {self.parameters.add(list(self.query.only), 'Array(String)')}")
            statement += f" HAVING {' AND '.join(having)}" if having else ""
        limit = self.parameters.add(self.query.limit, "UInt32")
        offset = self.parameters.add(self.query.offset, "UInt32")
        order = self._order()
        statement += (f" ORDER BY {order}" if order else "") + f" LIMIT {limit} OFFSET {offset}"
        wide = self.is_of_rollups and self.report is not None and self.report.name in LARGE and not self.reads_one_sum
        return Statement(statement, self.parameters.values, ALL_CORES if wide else None)

    def visitor_counts(self, sets: Sequence[Sequence[FilterTree]]) -> Statement:
        """
        Ask for the visitors that fit each set of filters, in one row; an empty set is everybody of the period.
        """
        counts = ", ".join(f"({self._visitors(filters)})" for filters in sets)
        return Statement(f"SELECT {counts}", self.parameters.values)

    def _visitors(self, filters: Sequence[FilterTree]) -> str:
        table = make_plan((), (), filters, self.period, cells=True).people
        closed = self.closed if not filters else None
        spans = closed.open_spans if closed else None
        scrolls = [goal for goal in goals_in_play(self.goals, filters, by_goal=False) if goal.kind == "scroll"]
        scope = Scope(table, self.site_id, self.period, self.parameters, self.goals, scrolls, spans)
        counted = f"SELECT {VISITORS} AS people {scope.source(row_conditions(filters, scope))}"
        # The total's rows are nobody's goals, so goals must not pick among them.
        kept = [] if closed is None else [replace(closed, goal_names=None)]
        elsewhere = total_of(self.imported)
        if elsewhere is not None and not filters:
            kept.append(elsewhere.days)
        parts = [
            RollupParts(self.site_id, self.period, TOTAL, (), days, self.parameters, wanted=("visitors",)).rows()
            for days in kept
        ]
        if filters and filters == self.query.filters:
            parts += [one.rows() for one in self._imported(("visitors",))]
        if not parts:
            return counted
        found = [f"SELECT sum(visitors) AS people FROM ({rows})" for rows in parts]
        if closed is None or closed.open_spans:
            found.append(counted)
        return f"SELECT sum(people) FROM ({' UNION ALL '.join(found)})"

    def _metric(self, name: str) -> str:
        if name == "events":
            return self._events_metric()
        if name == "group_conversion_rate" and self._groups():
            return self._group_rate()
        if name == "percentage":
            whole = self._visitors(self.query.filters)
        elif name in ("conversion_rate", "group_conversion_rate"):
            whole = self._visitors(unconverted(self.query.filters))
        else:
            return METRIC_SQL[name]
        if self.everybody is not None:
            whole = self.parameters.add(self.everybody, "UInt64")
        return f"ifNull(round(100 * sum(visitors) / nullIf(({whole}), 0), 2), 0)"

    def _groups(self) -> list[int]:
        return [index for index, dimension in enumerate(self.dimensions) if dimension.name != "event:goal"]

    def _group_rate(self) -> str:
        """
        Measure each row against everybody of its labels but the goal, converted or not; folded rows have no such group.
        """
        groups = self._groups()
        kept, filters = tuple(self.dimensions[index] for index in groups), unconverted(self.query.filters)
        table = make_plan((), kept, filters, self.period, cells=True).people
        parts = (self.site_id, self.period, (), kept, filters, self.goals, self.parameters)
        whole = [f"d{index}" for index in range(len(kept))]
        counted = (
            f"SELECT toString(tuple({', '.join(whole)})) AS label, {VISITORS} AS people"
            f" FROM ({RowParts(*parts).rows(table)}) GROUP BY label"
        )
        people = f"(SELECT mapFromArrays(groupArray(label), groupArray(people)) FROM ({counted}))"
        label = f"toString(tuple({', '.join(f'd{index}' for index in groups)}))"
        return f"round(100 * sum(visitors) / nullIf({people}[{label}], 0), 2)"

    def _events_metric(self) -> str:
        # How often somebody scrolled is not counted, only by how many.
        played = goals_in_play(self.goals, self.query.filters, by_goal="event:goal" in self.query.dimensions)
        scrolls = [goal for goal in played if goal.kind == "scroll"]
        if scrolls and "event:goal" in self.query.dimensions:
            names = self.parameters.add([goal.display_name for goal in scrolls], "Array(String)")
            return f"if(has({names}, d{self.query.dimensions.index('event:goal')}), NULL, sum(events))"
        return "NULL" if scrolls and len(scrolls) == len(played) else "sum(events)"

    def _parts(self, plan: Plan) -> list[str]:
        wanted = wanted_parts(self.query.metrics, events=self._asks_events(plan))
        rollups, rows = self._rollups(wanted), self._row_parts(wanted)
        names = [f"d{index}" for index in range(len(self.dimensions))]
        labels = [f"f{index} AS d{index}" for index in range(len(self.dimensions))]
        renamed = ", ".join([*labels, *wanted, *(["cell_hash"] if self.blurs else [])])
        engagement = self._asks_engagement
        imported = self._imported(wanted)
        alone = rollups is not None and not rows.spans and not imported
        # Of a single dimension only what is folded may meet, so its name is known.
        meets = [self.parameters.add(OTHER, "String")] if alone and any(self.folded) and len(names) == 1 else None
        shown = [] if meets or (alone and not self.overlapping) else self._shown_labels(plan, rollups)
        found: list[str] = []
        if rollups is not None:
            if alone and any(self.folded):
                # Rows are folded by what was added up already.
                found.append(self._folded(rollups, plan, wanted, engagement=engagement))
            else:
                found.append(rollups.select(plan, shown or names, engagement=engagement))
            if any(self.folded) and self.overlapping:
                found.append(rollups.overlaps(meets or shown, self._may_meet(plan, rollups)))
        if rollups is None or rows.spans:
            found += [rows.select(table, plan, shown) for table in plan.tables]
        # Of people counted elsewhere nobody knows who they are.
        nobody = ", toUInt64(0) AS cell_hash" if self.blurs else ""
        found += [f"SELECT *{nobody} FROM ({one.select(plan, shown, engagement=engagement)})" for one in imported]
        return [f"SELECT {renamed} FROM ({select})" for select in found]

    def _folded(self, rollups: RollupParts, plan: Plan, wanted: Sequence[str], *, engagement: bool) -> str:
        labels = [f"d{index}" for index in range(len(self.dimensions))]
        other, least = self.parameters.add(OTHER, "String"), self.parameters.add(self.k, "UInt32")
        shown = [
            f"if(visitors >= {least}, f{index}, {other}) AS g{index}" if folds else f"f{index} AS g{index}"
            for index, folds in enumerate(self.folded)
        ]
        added = f"SELECT {', '.join([*shown, *wanted])} FROM ({rollups.select(plan, labels, engagement=engagement)})"
        names = [f"g{index} AS f{index}" for index in range(len(labels))]
        sums = [f"sum({name}) AS {name}" for name in wanted]
        group = ", ".join(f"g{index}" for index in range(len(labels)))
        return f"SELECT {', '.join([*names, *sums])} FROM ({added}) GROUP BY {group}"

    def _flat(self, plan: Plan) -> tuple[list[str], str] | None:
        """
        Read a report's rows as they lie, where nothing else is needed: each level of nesting costs the engine more
        than a millisecond, as much as reading some ten thousand rows.

        Returns:
            An expression for each label, and what follows FROM.
        """
        wanted = wanted_parts(self.query.metrics, events=self._asks_events(plan))
        rollups = self._rollups(wanted)
        if rollups is None or not self.is_of_rollups or self.imported or REVENUE_METRICS & set(self.query.metrics):
            return None
        if not any(self.folded):
            return rollups.labels(), rollups.source(plan, engagement=self._asks_engagement)
        if self.overlapping:
            return None
        return rollups.folded(plan, self.folded, self.k, engagement=self._asks_engagement)

    @property
    def _asks_engagement(self) -> bool:
        # A scroll goal is reached by engagement, too.
        return bool(ENGAGEMENT_METRICS & set(self.query.metrics)) or "event:goal" in self.query.dimensions

    def _asks_events(self, plan: Plan) -> bool:
        return "events" in plan.tables and any(dimension.family == "event" for dimension in self.dimensions)

    def _row_parts(self, wanted: Sequence[str] = ()) -> RowParts:
        spans = self.closed.open_spans if self.closed is not None and self.report is not None else None
        query = self.query
        return RowParts(
            *(self.site_id, self.period, query.metrics, self.dimensions, query.filters, self.goals, self.parameters),
            spans=spans,
            wanted=wanted,
            hashes=self.blurs,
        )

    def _rollups(self, wanted: Sequence[str]) -> RollupParts | None:
        if self.closed is None or self.report is None:
            return None
        return RollupParts(
            *(self.site_id, self.period, self.report, self.dimensions, self.closed, self.parameters),
            wanted=wanted,
            goals=self.goals,
        )

    def _imported(self, wanted: Sequence[str] = ()) -> list[RollupParts]:
        return [
            RollupParts(
                *(self.site_id, self.period, one.report, self.dimensions, one.days, self.parameters),
                wanted=wanted or PARTS,
                goals=self.goals,
                filters=self.query.filters,
            )
            for one in self.imported
        ]

    def _shown_labels(self, plan: Plan, rollups: RollupParts | None) -> list[str]:
        labels = [f"d{index}" for index in range(len(self.dimensions))]
        if not any(self.folded):
            return labels
        big, other = self._big(plan, rollups), self.parameters.add(OTHER, "String")
        return [
            f"if({big}, {label}, {other})" if folds else label for label, folds in zip(labels, self.folded, strict=True)
        ]

    def _big(self, plan: Plan, rollups: RollupParts | None) -> str:
        key = ", ".join(f"d{index}" for index in range(len(self.dimensions)))
        # The same set of labels for every SELECT of the question, counted where people are counted.
        rows = self._row_parts()
        counted = f"SELECT {key}, {VISITORS} AS people FROM ({rows.rows(plan.people)}) GROUP BY {key}"
        if rollups is not None:
            kept = f"SELECT {key}, sum(visitors) AS people FROM ({rollups.rows()}) GROUP BY {key}"
            counted = f"{kept} UNION ALL {counted}" if rows.spans else kept
        for one in self._imported():
            counted += f" UNION ALL SELECT {key}, sum(visitors) AS people FROM ({one.rows()}) GROUP BY {key}"
        least = self.parameters.add(self.k, "UInt32")
        return f"({key}) IN (SELECT {key} FROM ({counted}) GROUP BY {key} HAVING sum(people) >= {least})"

    def _may_meet(self, plan: Plan, rollups: RollupParts) -> str:
        # A label that keeps its name meets no other one, unless its name is that of what is folded.
        other = self.parameters.add(OTHER, "String")
        named = [f"d{index} = {other}" for index, folds in enumerate(self.folded) if folds]
        return " OR ".join([f"NOT ({self._big(plan, rollups)})", *named])

    def _order(self) -> str:
        keys: list[str] = []
        others = [f"d{index}" for index, folds in enumerate(self.folded) if folds]
        flag = " OR ".join(f"{label} = {self.parameters.add(OTHER, 'String')}" for label in others)
        flagged = not flag
        for order in self.query.order or default_order(self.query):
            if not flagged and not order.by.startswith("time"):
                keys.append(f"({flag})")
                flagged = True
            keys.append(f"{self._position(order.by)} {'DESC' if order.descending else 'ASC'} NULLS LAST")
        if not flagged:
            keys.append(f"({flag})")
        # Ties are broken by label, so that pages of an answer do not overlap.
        keys += [f"d{index}" for index in range(len(self.dimensions))]
        return ", ".join(keys)

    def _position(self, by: str) -> str:
        if by in METRICS:
            return f"m{self.query.metrics.index(by)}"
        return f"d{self.query.dimensions.index(by)}"


def default_order(query: StatsQuery) -> tuple[Order, ...]:
    """
    Time first, then the first metric from high to low.
    """
    times = [Order(name, descending=False) for name in query.dimensions if name.startswith("time")]
    return (*times, Order(query.metrics[0], descending=True))
