"""
The additive parts of one table's rows by the labels of their dimensions: what a question adds up and a rollup keeps.

One definition for both: a rollup is these parts, written down for a day that is over.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.stats.dimensions import Dimension
from dashboard.stats.filters import entry_conditions, leaves, row_conditions
from dashboard.stats.goals import goals_in_play, goals_named
from dashboard.stats.metrics import ENGAGEMENT_METRICS, REVENUE_METRICS
from dashboard.stats.noise import cell_hash
from dashboard.stats.period import Period
from dashboard.stats.plan import Plan
from dashboard.stats.query import FilterTree
from dashboard.stats.scope import Parameters, Scope, Span, Table
from warehouse.registry.goals import Goal

VISITORS = "uniqExactIf(visitor_id, visitor_id != 0)"
PARTS = (
    "visitors",
    "visits",
    "pageviews",
    "events",
    "visit_pageviews",
    "entered",
    "bounced",
    "ended",
    "seconds",
    "depths",
    "depth_visits",
    "engaged_ms",
    "engaged_visits",
    "revenue",
    "paid",
    "event_rows",
    "engagement_rows",
    "visit_rows",
)
"""Sums over days, and over labels as long as nobody is in two of them. The last three count rows: a label that no row
of the tables read has is not shown."""
STORED_PARTS = tuple(name for name in PARTS if name not in ("revenue", "paid"))
"""What a rollup has a column for; amounts it keeps by currency."""

PARTS_OF: Mapping[str, tuple[str, ...]] = {
    "visitors": ("visitors",),
    "visits": ("visits",),
    "pageviews": ("pageviews",),
    "events": ("events",),
    "views_per_visit": ("visit_pageviews", "ended"),
    "bounce_rate": ("bounced", "entered"),
    "visit_duration": ("seconds", "ended"),
    "percentage": ("visitors",),
    "conversion_rate": ("visitors",),
    "group_conversion_rate": ("visitors",),
    "total_revenue": ("revenue",),
    "average_revenue": ("revenue", "paid"),
    "scroll_depth": ("depths", "depth_visits"),
    "time_on_page": ("engaged_ms", "engaged_visits"),
}
"""What each metric is formed from."""
_AMOUNTS = (
    "sumMapIf(map(revenue_currency, toDecimal128(revenue_amount, 3)), revenue_currency != '') AS amounts",
    "sumMapIf(map(revenue_currency, toUInt64(1)), revenue_currency != '') AS sales",
)
_NO_AMOUNTS = (
    "CAST(map(), 'Map(LowCardinality(String), Decimal(38, 3))') AS amounts",
    "CAST(map(), 'Map(LowCardinality(String), UInt64)') AS sales",
)


def wanted_parts(metrics: Sequence[str], *, events: bool) -> tuple[str, ...]:
    """
    List the parts that metrics are formed from, with the people of each row.

    Args:
        events: rows of events are counted too.
    """
    names = {"visitors", *(part for metric in metrics for part in PARTS_OF[metric])}
    if events:
        names |= {"event_rows", "engagement_rows"}
    return tuple(name for name in PARTS if name in names)


def currency(
    dimensions: Sequence[Dimension], filters: Sequence[FilterTree], goals: Sequence[Goal], parameters: Parameters
) -> str:
    """
    The currency that the revenue of a row is counted in: of all its goals, or of the goal it is about.
    """
    position = next((index for index, dimension in enumerate(dimensions) if dimension.name == "event:goal"), None)
    paid = [goal for goal in goals_in_play(goals, filters, by_goal=position is not None) if goal.currency]
    if position is None:
        return parameters.add(next(iter({goal.currency for goal in paid}), None) or "", "String")
    names = parameters.add([goal.display_name for goal in paid], "Array(String)")
    codes = parameters.add([goal.currency for goal in paid], "Array(String)")
    return f"if(has({names}, d{position}), {codes}[indexOf({names}, d{position})], '')"


def display_name(goal: Goal) -> str:
    """
    Name a goal as questions do.
    """
    return goal.display_name


@dataclass(frozen=True, slots=True)
class RowParts:
    """
    The rows of one site and period, labelled, and their parts.

    Attributes:
        spans: the days to read, if not all of the period.
        batch: only what came in this batch, if not everything.
        goal_name: names a goal's row.
        amounts: add up `amounts` and `sales` by currency too, after the parts.
        wanted: the parts to add up, of `PARTS`.
        hashes: add up `cell_hash` of the people too, after the parts.
        people: keep who the visitors are as `people`, after the parts, so that labels can be folded later.
    """

    site_id: int
    period: Period
    metrics: Sequence[str]
    dimensions: tuple[Dimension, ...]
    filters: Sequence[FilterTree]
    goals: Sequence[Goal]
    parameters: Parameters
    spans: Sequence[Span] | None = None
    batch: int | None = None
    goal_name: Callable[[Goal], str] = display_name
    amounts: bool = False
    wanted: Sequence[str] = PARTS
    hashes: bool = False
    people: bool = False

    def scope(self, table: Table) -> Scope:
        """
        Bound one table.
        """
        scrolls = [goal for goal in self._played() if goal.kind == "scroll"]
        return Scope(table, self.site_id, self.period, self.parameters, self.goals, scrolls, self.spans, self.batch)

    def select(
        self,
        table: Table,
        plan: Plan,
        shown: Sequence[str] | None = None,
        *,
        sets: Sequence[Sequence[int]] | None = None,
    ) -> str:
        """
        Add up the parts of one table by labels.

        Args:
            shown: an expression for each label `d0`, `d1`, ..., when it is not the label itself.
            sets: add up by each of these choices of labels, instead of by all of them together.

        Returns:
            A SELECT of `f0`, `f1`, ... and the parts as floats; with sets, of `chosen` before them: the number of the
            set that a row is of.
        """
        shown = [f"d{index}" for index in range(len(self.dimensions))] if shown is None else shown
        parts = self._event_parts(plan) if table == "events" else self._visit_parts(plan)
        columns = [
            *(f"{text} AS f{index}" for index, text in enumerate(shown)),
            *(f"toFloat64({parts[name]}) AS {name}" if name in parts else f"0. AS {name}" for name in self.wanted),
        ]
        if self.amounts:
            columns += _AMOUNTS if table == "events" else _NO_AMOUNTS
        if self.hashes:
            person = "visitor_id != 0 AND counts" if table == "events" else "visitor_id != 0"
            columns.append(f"{cell_hash(person) if table == plan.people else 'toUInt64(0)'} AS cell_hash")
        if self.people:
            person = "visitor_id != 0 AND counts" if table == "events" else "visitor_id != 0"
            columns.append(f"uniqExactStateIf(visitor_id, {person}) AS people")
        names = [f"f{index}" for index in range(len(shown))]
        group = f" GROUP BY {', '.join(names)}" if shown else ""
        if sets is not None:
            group = (
                " GROUP BY GROUPING SETS (" + ", ".join(f"({', '.join(names[at] for at in one)})" for one in sets) + ")"
            )
            # The mask has a bit for each name, the first one's highest, which is 0 for those in the set.
            masks = [sum(1 << (len(names) - 1 - at) for at in range(len(names)) if at not in one) for one in sets]
            columns.insert(0, f"indexOf({masks}, toUInt64(grouping({', '.join(names)}))) AS chosen")
        return f"SELECT {', '.join(columns)} FROM ({self.rows(table)}){group}"

    def _played(self) -> list[Goal]:
        by_goal = any(dimension.name == "event:goal" for dimension in self.dimensions)
        return goals_in_play(self.goals, self.filters, by_goal=by_goal)

    def rows(self, table: Table) -> str:
        """
        One row per event or visit (per bucket it spans, by the hour), labelled `d0`, `d1`, ...
        """
        scope = self.scope(table)
        conditions = row_conditions(self.filters, scope)
        columns: list[str] = []
        for index, dimension in enumerate(self.dimensions):
            columns.append(f"{self._label(dimension, scope)} AS d{index}")
            if dimension.name == "event:name":
                conditions.append("name != 'engagement'")
            if scope.table == "events" and dimension.family == "visit":
                conditions.append("visit_id != 0")
        if table == "events":
            wants_engagement = bool(ENGAGEMENT_METRICS & set(self.metrics))
            columns += ["visitor_id", "visit_id", "name", "scroll_depth", "engagement_ms"]
            columns.append(f"{scope.counted()} AS counts")
            if self.amounts or REVENUE_METRICS & set(self.metrics):
                columns += ["revenue_amount", "revenue_currency"]
            columns += ["noise_hash"] if self.hashes else []
            return f"SELECT {', '.join(columns)} {scope.source(conditions, engagement=wants_engagement)}"
        columns += ["visitor_id", "visit_id", "visit_pageviews AS pages", "visit_events AS acts", "bounced AS bounce"]
        columns.append("toInt64(toUInt32(visit_end)) - toInt64(toUInt32(visit_start)) AS length")
        if self.hashes:
            scope.used.add("noise_hash")
            columns.append("noise_hash")
        clock = next((dimension for dimension in self.dimensions if dimension.by_clock), None)
        columns.append(f"{scope.bucket(clock, 'visit_end')} AS end_bucket" if clock else "'' AS end_bucket")
        entry = entry_conditions(self.filters, scope)
        columns.append(f"{' AND '.join(entry)} AS entered_here" if entry else "1 AS entered_here")
        return f"SELECT {', '.join(columns)} {scope.source(conditions)}"

    def _label(self, dimension: Dimension, scope: Scope) -> str:
        if dimension.family == "time":
            if scope.table == "visits" and dimension.by_clock:
                return scope.spread(dimension)
            return scope.column(dimension)
        if dimension.name == "event:goal":
            return self._goal_labels(scope)
        column = scope.column(dimension)
        return f"if({column} = '', {self.parameters.add(dimension.empty, 'String')}, {column})"

    def _goal_labels(self, scope: Scope) -> str:
        goals = list(self.goals)
        for tree in self.filters:
            for leaf in leaves(tree):
                if leaf.dimension == "event:goal":
                    goals = goals_named(goals, leaf.operator, leaf.values, leaf.case_sensitive)
        if not goals:
            return "arrayJoin(emptyArrayString())"
        names = [
            f"if({scope.goal_condition(goal)}, {self.parameters.add(self.goal_name(goal), 'String')}, '')"
            for goal in goals
        ]
        return f"arrayJoin(arrayFilter(label -> label != '', [{', '.join(names)}]))"

    def _event_parts(self, plan: Plan) -> dict[str, str]:
        parts = {"event_rows": "countIf(name != 'engagement')", "engagement_rows": "countIf(name = 'engagement')"}
        if plan.people == "events":
            parts["visitors"] = "uniqExactIf(visitor_id, visitor_id != 0 AND counts)"
            if "visits" in self.metrics:
                parts["visits"] = "uniqExactIf(visit_id, visit_id != 0 AND counts)"
        if plan.counts == "events":
            parts["pageviews"] = "countIf(name = 'pageview')"
            parts["events"] = "countIf(name != 'engagement')"
        if REVENUE_METRICS & set(self.metrics):
            code = currency(self.dimensions, self.filters, self.goals, self.parameters)
            ours = f"revenue_currency != '' AND revenue_currency = {code}"
            parts["revenue"] = f"sumIf(revenue_amount, {ours})"
            parts["paid"] = f"countIf({ours})"
        if "scroll_depth" in self.metrics:
            deepest = "maxMapIf(map(visit_id, scroll_depth), scroll_depth <= 100 AND visit_id != 0)"
            parts["depths"] = f"arraySum(mapValues({deepest}))"
            parts["depth_visits"] = f"length({deepest})"
        if "time_on_page" in self.metrics:
            parts["engaged_ms"] = "sumIf(engagement_ms, visit_id != 0)"
            parts["engaged_visits"] = "uniqExactIf(visit_id, engagement_ms > 0 AND visit_id != 0)"
        return parts

    def _visit_parts(self, plan: Plan) -> dict[str, str]:
        clock = next((index for index, dimension in enumerate(self.dimensions) if dimension.by_clock), None)
        # A visit is there in every hour it spans; its length and its bounce are booked where it ended.
        here = "1" if clock is None else f"d{clock} = end_bucket"
        parts = {
            "visit_rows": "count()",
            "visit_pageviews": f"sumIf(pages, {here})",
            "entered": f"countIf(entered_here AND {here})",
            "bounced": f"countIf(bounce AND entered_here AND {here})",
            "ended": f"countIf({here})",
            "seconds": f"sumIf(length, {here})",
        }
        if plan.people == "visits":
            parts["visitors"] = VISITORS
            parts["visits"] = "count()"
        if plan.counts == "visits":
            parts["pageviews"] = f"sumIf(pages, {here})"
            parts["events"] = f"sumIf(acts, {here})"
        return parts
