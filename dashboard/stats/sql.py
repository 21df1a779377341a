"""
The statement for one question: at most one SELECT over events and one over visits, joined by `UNION ALL`.

Each SELECT gives additive parts by the labels of the dimensions; the outer one adds them up and forms the metrics.
Texts put together here come from the registries only; every value is a parameter.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboard.stats.dimensions import OTHER, PROPS_PREFIX, Dimension
from dashboard.stats.filters import entry_conditions, leaves, row_conditions
from dashboard.stats.goals import goals_in_play, goals_named
from dashboard.stats.metrics import ENGAGEMENT_METRICS, METRICS, REVENUE_METRICS
from dashboard.stats.period import Period
from dashboard.stats.plan import Plan, make_plan
from dashboard.stats.query import Filter, FilterTree, Order, StatsQuery
from dashboard.stats.scope import Parameters, Scope, Table
from warehouse.registry.goals import Goal

_VISITORS = "uniqExactIf(visitor_id, visitor_id != 0)"
_PARTS = (
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
    "present",
)
_METRIC_SQL = {
    "visitors": "sum(visitors)",
    "visits": "sum(visits)",
    "pageviews": "sum(pageviews)",
    "events": "sum(events)",
    "views_per_visit": "if(sum(ended) = 0, 0, round(sum(visit_pageviews) / sum(ended), 2))",
    "bounce_rate": "if(sum(entered) = 0, 0, toInt64(round(100 * sum(bounced) / sum(entered))))",
    "visit_duration": "if(sum(ended) = 0, NULL, toInt64(round(sum(seconds) / sum(ended))))",
    "total_revenue": "round(sum(revenue), 3)",
    "average_revenue": "if(sum(paid) = 0, 0, round(sum(revenue) / sum(paid), 3))",
    "scroll_depth": "if(sum(depth_visits) = 0, NULL, toInt64(round(sum(depths) / sum(depth_visits))))",
    "time_on_page": "if(sum(engaged_visits) = 0, NULL, toInt64(round(sum(engaged_ms) / 1000 / sum(engaged_visits))))",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """
    SQL and the values for its placeholders. Rows: labels, metrics, visitors of the row, number of rows.
    """

    sql: str
    parameters: dict[str, object]


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

    parameters: Parameters = field(default_factory=Parameters)

    def rows(self) -> Statement:
        """
        Ask for the rows of the answer.
        """
        folds = any(self.folded)
        plan = make_plan(self.query.metrics, self.dimensions, self.query.filters, self.period, cells=folds)
        names = [f"d{index}" for index in range(len(self.dimensions))]
        parts = " UNION ALL ".join(self._part(table, plan) for table in plan.tables)
        metrics = [f"{self._metric(name)} AS m{index}" for index, name in enumerate(self.query.metrics)]
        columns = [*names, *metrics, "toUInt64(sum(visitors)) AS cell"]
        statement = f"SELECT {', '.join(columns)} FROM ({parts})"
        if names:
            statement += f" GROUP BY {', '.join(names)}"
            if "events" in plan.tables and any(dimension.family == "event" for dimension in self.dimensions):
                # Visits know a page as their entry; a page that no event fits is not asked for.
                statement += " HAVING sum(present) > 0"
        total = "count() OVER ()" if self.query.total_rows else "toUInt64(0)"
        limit = self.parameters.add(self.query.limit, "UInt32")
        offset = self.parameters.add(self.query.offset, "UInt32")
        order = self._order()
        statement = (
            f"SELECT *, {total} AS total FROM ({statement})"
            + (f" ORDER BY {order}" if order else "")
            + f" LIMIT {limit} OFFSET {offset}"
        )
        return Statement(statement, self.parameters.values)

    def visitor_counts(self) -> Statement:
        """
        Ask for the visitors that fit the filters, and for all of the period, in one row.
        """
        everybody = self._visitors(())
        return Statement(f"SELECT ({self._visitors(self.query.filters)}), ({everybody})", self.parameters.values)

    def _scope(self, table: Table, played: Sequence[Goal]) -> Scope:
        scrolls = [goal for goal in played if goal.kind == "scroll"]
        return Scope(table, self.site_id, self.period, self.parameters, self.goals, scrolls)

    def _played(self) -> list[Goal]:
        return goals_in_play(self.goals, self.query.filters, by_goal="event:goal" in self.query.dimensions)

    def _visitors(self, filters: Sequence[FilterTree]) -> str:
        table = make_plan((), (), filters, self.period, cells=True).people
        scope = self._scope(table, goals_in_play(self.goals, filters, by_goal=False))
        conditions = row_conditions(filters, scope)
        return f"SELECT {_VISITORS} {scope.source(conditions)}"

    def _metric(self, name: str) -> str:
        if name == "events":
            return self._events_metric()
        if name == "percentage":
            whole = self._visitors(self.query.filters)
        elif name == "conversion_rate":
            whole = self._visitors(unconverted(self.query.filters))
        else:
            return _METRIC_SQL[name]
        return f"ifNull(round(100 * sum(visitors) / nullIf(({whole}), 0), 2), 0)"

    def _events_metric(self) -> str:
        # How often somebody scrolled is not counted, only by how many.
        played = self._played()
        scrolls = [goal for goal in played if goal.kind == "scroll"]
        if scrolls and "event:goal" in self.query.dimensions:
            names = self.parameters.add([goal.display_name for goal in scrolls], "Array(String)")
            return f"if(has({names}, d{self.query.dimensions.index('event:goal')}), NULL, sum(events))"
        return "NULL" if scrolls and len(scrolls) == len(played) else "sum(events)"

    def _currency(self) -> str:
        goals = [goal for goal in self._played() if goal.currency]
        if "event:goal" not in self.query.dimensions:
            code = next(iter({goal.currency for goal in goals}), None)
            return self.parameters.add(code or "", "String")
        names = self.parameters.add([goal.display_name for goal in goals], "Array(String)")
        codes = self.parameters.add([goal.currency for goal in goals], "Array(String)")
        label = f"d{self.query.dimensions.index('event:goal')}"
        return f"if(has({names}, {label}), {codes}[indexOf({names}, {label})], '')"

    def _part(self, table: Table, plan: Plan) -> str:
        labels = [f"d{index}" for index in range(len(self.dimensions))]
        parts = self._event_parts(plan) if table == "events" else self._visit_parts(plan)
        parts["present"] = "count()" if table == "events" else "toUInt64(0)"
        shown = self._shown_labels(plan)
        columns = [
            *(f"{text} AS f{index}" for index, text in enumerate(shown)),
            *(f"toFloat64({parts[name]}) AS {name}" if name in parts else f"0. AS {name}" for name in _PARTS),
        ]
        group = f" GROUP BY {', '.join(f'f{index}' for index in range(len(labels)))}" if labels else ""
        inner = f"SELECT {', '.join(columns)} FROM ({self._table_rows(table)}){group}"
        renamed = [*(f"f{index} AS d{index}" for index in range(len(labels))), *_PARTS]
        return f"SELECT {', '.join(renamed)} FROM ({inner})"

    def _shown_labels(self, plan: Plan) -> list[str]:
        labels = [f"d{index}" for index in range(len(self.dimensions))]
        if not any(self.folded):
            return labels
        key = ", ".join(labels)
        # The same set of labels for every SELECT of the question, counted where people are counted.
        big = (
            f"SELECT {key} FROM ({self._table_rows(plan.people)}) GROUP BY {key}"
            f" HAVING {_VISITORS} >= {self.parameters.add(self.k, 'UInt32')}"
        )
        other = self.parameters.add(OTHER, "String")
        return [
            f"if(({key}) IN ({big}), {label}, {other})" if folds else label
            for label, folds in zip(labels, self.folded, strict=True)
        ]

    def _table_rows(self, table: Table) -> str:
        """
        One row per event or visit (per bucket it spans, by the hour), labelled.
        """
        scope = self._scope(table, self._played())
        conditions = row_conditions(self.query.filters, scope)
        columns: list[str] = []
        for index, dimension in enumerate(self.dimensions):
            columns.append(f"{self._label(dimension, scope)} AS d{index}")
            if dimension.name == "event:name":
                conditions.append("name != 'engagement'")
            if scope.table == "events" and dimension.family == "visit":
                conditions.append("visit_id != 0")
        if table == "events":
            wants_engagement = bool(ENGAGEMENT_METRICS & set(self.query.metrics))
            columns += ["visitor_id", "visit_id", "name", "scroll_depth", "engagement_ms"]
            columns.append(f"{scope.counted()} AS counts")
            if REVENUE_METRICS & set(self.query.metrics):
                columns += ["revenue_amount", "revenue_currency"]
            return f"SELECT {', '.join(columns)} {scope.source(conditions, engagement=wants_engagement)}"
        columns += ["visitor_id", "visit_id", "visit_pageviews AS pages", "visit_events AS acts", "bounced AS bounce"]
        columns.append("toInt64(toUInt32(visit_end)) - toInt64(toUInt32(visit_start)) AS length")
        clock = next((dimension for dimension in self.dimensions if dimension.by_clock), None)
        columns.append(f"{scope.bucket(clock, 'visit_end')} AS end_bucket" if clock else "'' AS end_bucket")
        entry = entry_conditions(self.query.filters, scope)
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
        for tree in self.query.filters:
            for leaf in leaves(tree):
                if leaf.dimension == "event:goal":
                    goals = goals_named(goals, leaf.operator, leaf.values, leaf.case_sensitive)
        if not goals:
            return "arrayJoin(emptyArrayString())"
        names = [
            f"if({scope.goal_condition(goal)}, {self.parameters.add(goal.display_name, 'String')}, '')"
            for goal in goals
        ]
        return f"arrayJoin(arrayFilter(label -> label != '', [{', '.join(names)}]))"

    def _event_parts(self, plan: Plan) -> dict[str, str]:
        parts: dict[str, str] = {}
        if plan.people == "events":
            parts["visitors"] = "uniqExactIf(visitor_id, visitor_id != 0 AND counts)"
            if "visits" in self.query.metrics:
                parts["visits"] = "uniqExactIf(visit_id, visit_id != 0 AND counts)"
        if plan.counts == "events":
            parts["pageviews"] = "countIf(name = 'pageview')"
            parts["events"] = "countIf(name != 'engagement')"
        if REVENUE_METRICS & set(self.query.metrics):
            ours = f"revenue_currency != '' AND revenue_currency = {self._currency()}"
            parts["revenue"] = f"sumIf(revenue_amount, {ours})"
            parts["paid"] = f"countIf({ours})"
        if "scroll_depth" in self.query.metrics:
            deepest = "maxMapIf(map(visit_id, scroll_depth), scroll_depth <= 100 AND visit_id != 0)"
            parts["depths"] = f"arraySum(mapValues({deepest}))"
            parts["depth_visits"] = f"length({deepest})"
        if "time_on_page" in self.query.metrics:
            parts["engaged_ms"] = "sumIf(engagement_ms, visit_id != 0)"
            parts["engaged_visits"] = "uniqExactIf(visit_id, engagement_ms > 0 AND visit_id != 0)"
        return parts

    def _visit_parts(self, plan: Plan) -> dict[str, str]:
        clock = next((index for index, dimension in enumerate(self.dimensions) if dimension.by_clock), None)
        # A visit is there in every hour it spans; its length and its bounce are booked where it ended.
        here = "1" if clock is None else f"d{clock} = end_bucket"
        parts = {
            "visit_pageviews": f"sumIf(pages, {here})",
            "entered": f"countIf(entered_here AND {here})",
            "bounced": f"countIf(bounce AND entered_here AND {here})",
            "ended": f"countIf({here})",
            "seconds": f"sumIf(length, {here})",
        }
        if plan.people == "visits":
            parts["visitors"] = _VISITORS
            parts["visits"] = "count()"
        if plan.counts == "visits":
            parts["pageviews"] = f"sumIf(pages, {here})"
            parts["events"] = f"sumIf(acts, {here})"
        return parts

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


def unconverted(filters: Sequence[FilterTree]) -> tuple[FilterTree, ...]:
    """
    Leave out what a conversion is measured against: filters on goals and properties.
    """

    def about_conversion(tree: FilterTree) -> bool:
        return any(leaf.dimension == "event:goal" or leaf.dimension.startswith(PROPS_PREFIX) for leaf in leaves(tree))

    return tuple(tree for tree in filters if not (isinstance(tree, Filter) and about_conversion(tree)))
