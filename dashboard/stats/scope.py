"""
Where a question reads: events or visits, with the parameters, bounds and column expressions of that table.

TRICKY: every value becomes a parameter through `Parameters.add`. A value inside the text of a statement would be an
injection; the only texts put together here come from the registries of dimensions and metrics.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from dashboard.stats.dimensions import Dimension
from dashboard.stats.goals import page_pattern
from dashboard.stats.period import Period
from warehouse.registry.goals import Goal

Table = Literal["events", "visits"]
Span = tuple[date, date]
"""Days from the first to the last, both inside."""

ATTRIBUTES = (
    "referrer",
    "source",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "country",
    "region",
    "city",
    "browser",
    "browser_version",
    "os",
    "os_version",
    "device",
)
_EDGES = {
    "entry_hostname": "tupleElement(entry, 2)",
    "entry_page": "tupleElement(entry, 3)",
    "exit_hostname": "tupleElement(exit, 2)",
    "exit_page": "tupleElement(exit, 3)",
}
_CLOCK = {"time:hour": ("%Y-%m-%d %H:00:00", "23:00:00", 900), "time:minute": ("%Y-%m-%d %H:%i:00", "23:59:00", 60)}
"""Label's form, last label of a day, and a step in seconds that never jumps over a bucket in any time zone."""

DATE = Dimension("time:date", "time", "", "")
"""The day as a date, for rollups; questions ask for `time:day`, which is a text."""


class Parameters:
    """
    The values of one statement, each under a name of its own.
    """

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def add(self, value: object, kind: str) -> str:
        """
        Keep a value.

        Returns:
            Its placeholder for the statement.
        """
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"


@dataclass(slots=True)
class Scope:
    """
    One table, for one site and period.

    Attributes:
        scrolls: scroll goals that the question is about; they are reached by engagement events.
        spans: the days to read, if not all of the period.
        batch: only what came in this batch, and the visits it is about.
        edges: entry or exit was asked for of events, so the visit must be joined.
        used: visit columns that the statement needs.
    """

    table: Table
    site_id: int
    period: Period
    parameters: Parameters
    goals: Sequence[Goal] = ()
    scrolls: Sequence[Goal] = ()
    spans: Sequence[Span] | None = None
    batch: int | None = None
    edges: bool = False
    used: set[str] = field(default_factory=set[str])

    def beside(self, table: Table) -> Scope:
        """
        The same site, period and parameters over another table or in a subquery.
        """
        return Scope(
            table, self.site_id, self.period, self.parameters, self.goals, self.scrolls, self.spans, self.batch
        )

    def column(self, dimension: Dimension) -> str:
        """
        The expression that reads a dimension here; `''` means not known.
        """
        if dimension.prop:
            assert self.table == "events"
            return f"props[{self.parameters.add(dimension.prop, 'String')}]"
        if dimension.family == "time":
            return self.bucket(dimension, "ts" if self.table == "events" else "visit_end")
        if self.table == "events":
            if dimension.event_column:
                return dimension.event_column
            self.edges = True
            self.used.add(dimension.visit_column)
            return dimension.visit_column
        assert dimension.visit_column
        self.used.update(name for name in (*ATTRIBUTES, *_EDGES) if name in dimension.visit_column)
        return dimension.visit_column

    def bucket(self, dimension: Dimension, moment: str) -> str:
        """
        The label of the bucket that a moment (a column or expression, UTC) lies in.
        """
        if dimension.name in _CLOCK:
            form, last, _ = _CLOCK[dimension.name]
            label = self._clock_text(moment, form)
            # A visit over midnight belongs to the day it began in, and shows in that day's last hour.
            return f"least(greatest({label}, concat(toString(day), ' 00:00:00')), concat(toString(day), ' {last}'))"
        if dimension is DATE:
            return "day"
        if dimension.name == "time:week":
            return f"toString(greatest(toMonday(day), {self.parameters.add(self.period.first, 'Date')}))"
        if dimension.name == "time:month":
            return "toString(toStartOfMonth(day))"
        return "toString(day)"

    def _clock_text(self, moment: str, form: str) -> str:
        # Hours are read by the zone that the event's day followed.
        def text(timezone: str) -> str:
            return f"formatDateTime({moment}, '{form}', {self.parameters.add(timezone, 'String')})"

        days = self.period.site_days
        changes = [change for change in days.changes if self.period.first <= change.first_day <= self.period.last]
        if not changes:
            return text(days.zone_of(self.period.last))
        branches = [
            f"day < {self.parameters.add(change.first_day, 'Date')}, {text(change.before)}" for change in changes
        ]
        return f"multiIf({', '.join(branches)}, {text(changes[-1].after)})"

    def spread(self, dimension: Dimension) -> str:
        """
        The labels of every bucket that a visit spans, one row each.
        """
        step = _CLOCK[dimension.name][2]
        moments = (
            f"arrayMap(step -> least(visit_start + step * {step}, visit_end),"
            f" range(toUInt32(intDiv(toUInt32(visit_end) - toUInt32(visit_start), {step}) + 2)))"
        )
        if self.period.start is not None and self.period.end is not None:
            start, end = self._instants()
            moments = f"arrayFilter(moment -> moment >= {start} AND moment < {end}, {moments})"
        return f"arrayJoin(arrayDistinct(arrayMap(moment -> {self.bucket(dimension, 'moment')}, {moments})))"

    def goal_condition(self, goal: Goal) -> str:
        """
        The condition under which an event reaches a goal.
        """
        add = self.parameters.add
        props = "".join(
            f" AND props[{add(key, 'String')}] = {add(value, 'String')}" for key, value in goal.custom_props.items()
        )
        if goal.kind == "event":
            return f"(name = {add(goal.event_name or '', 'String')}{props})"
        path = goal.page_path or ""
        fits = f"match(pathname, {add(page_pattern(path), 'String')})"
        if "*" not in path:
            fits = f"pathname = {add(path, 'String')}"
        if goal.kind == "scroll":
            # 255 stands for a depth that is not known.
            deep = f"scroll_depth >= {add(goal.scroll_threshold, 'UInt8')} AND scroll_depth <= 100"
            return f"(name = 'engagement' AND {deep} AND {fits}{props})"
        return f"(name = 'pageview' AND {fits}{props})"

    def counted(self) -> str:
        """
        The condition under which an event counts for somebody's presence: engagement only where it reaches a goal.
        """
        if not self.scrolls:
            return "name != 'engagement'"
        reached = " OR ".join(self.goal_condition(goal) for goal in self.scrolls)
        return f"(name != 'engagement' OR {reached})"

    def source(self, conditions: Sequence[str], *, engagement: bool = False) -> str:
        """
        `FROM ... WHERE ...` of this table within the bounds. Call it last: it depends on the columns asked for.

        Args:
            engagement: engagement events are wanted too.
        """
        return self._events(conditions, engagement) if self.table == "events" else self._visits(conditions)

    def _events(self, conditions: Sequence[str], engagement: bool) -> str:
        wheres = [self._days("events."), *conditions]
        if self.batch is not None:
            wheres.append(f"batch = {self.parameters.add(self.batch, 'UInt64')}")
        if self.period.start is not None:
            start, end = self._instants()
            wheres.append(f"ts >= {start} AND ts < {end}")
        if not engagement:
            wheres.append(self.counted())
        joined = ""
        if self.edges:
            columns = ", ".join(f"{_EDGES[name]} AS {name}" for name in sorted(self.used & _EDGES.keys()))
            joined = (
                f" INNER JOIN (SELECT visit_id AS edge_visit_id, {columns} FROM visits FINAL"
                f" WHERE {self._days('')}) AS edges ON events.visit_id = edges.edge_visit_id"
            )
        return f"FROM events{joined} WHERE {' AND '.join(wheres)}"

    def _visits(self, conditions: Sequence[str]) -> str:
        columns = [
            "start AS visit_start",
            "end AS visit_end",
            "pageviews AS visit_pageviews",
            "events AS visit_events",
            "pageviews < 2 AND interactions = 0 AS bounced",
            *(name for name in (*ATTRIBUTES, "noise_hash") if name in self.used),
            *(f"{text} AS {name}" for name, text in _EDGES.items() if name in self.used),
        ]
        wheres = [*conditions]
        if self.period.start is not None:
            start, end = self._instants()
            wheres.append(f"visit_start < {end} AND visit_end >= {start}")
        rows = f"{self._days('')} AND visit_id != 0"
        if self.batch is not None:
            batch = self.parameters.add(self.batch, "UInt64")
            rows += f" AND visit_id IN (SELECT visit_id FROM events WHERE {self._days('')} AND batch = {batch})"
        # FINAL puts the rows of a visit together where they are merged anyway: of what is merged already it only reads.
        # GROUP BY with an aggregate for each column took six times as long over a day, four times over two weeks, and
        # no less where 60 parts of a day lay beside each other.
        inner = f"SELECT day, visitor_id, visit_id, {', '.join(columns)} FROM visits FINAL WHERE {rows}"
        return f"FROM ({inner})" + (f" WHERE {' AND '.join(wheres)}" if wheres else "")

    def _days(self, prefix: str) -> str:
        first = self.period.first
        if self.period.start is not None:
            # The last half hour of a visit over midnight still counts by the day before.
            first -= timedelta(days=1)
        spans = self.spans if self.spans is not None else ((first, self.period.last),)
        return f"{prefix}site_id = {self.parameters.add(self.site_id, 'UInt32')} AND " + within(
            f"{prefix}day", spans, self.parameters
        )

    def _instants(self) -> tuple[str, str]:
        assert self.period.start is not None and self.period.end is not None
        start, end = (
            f"toDateTime({self.parameters.add(int(moment.timestamp()), 'UInt32')}, 'UTC')"
            for moment in (self.period.start, self.period.end)
        )
        return start, end


def within(column: str, spans: Sequence[Span], parameters: Parameters) -> str:
    """
    The condition that a day lies in one of the spans; without a span none does.
    """
    if not spans:
        return "0"
    ranges = [
        f"{column} BETWEEN {parameters.add(first, 'Date')} AND {parameters.add(last, 'Date')}" for first, last in spans
    ]
    return ranges[0] if len(ranges) == 1 else f"({' OR '.join(ranges)})"
