"""
Panels that are asked together: one statement reads the rows of a period once and answers every question about them.

A small question costs the engine more to plan than to answer, and of days that are not over each one reads the same
visits anew. What is found is put into the memory under the statement that each question has by itself, so whoever asks
it next gets the same rows; what does not fit is left for it.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dashboard.context import Context
from dashboard.stats.dimensions import OTHER, Dimension
from dashboard.stats.meeting import corrected
from dashboard.stats.memory import Rows
from dashboard.stats.parts import RowParts
from dashboard.stats.plan import make_plan
from dashboard.stats.prepare import prepare
from dashboard.stats.query import QueryError, StatsQuery, Viewer
from dashboard.stats.reports import LARGE
from dashboard.stats.rollup_parts import RollupParts
from dashboard.stats.scope import Parameters, Table
from dashboard.stats.sql import Question
from dashboard.stats.statement import Statement
from warehouse.registry.sites import Site

_SUMS: Mapping[Table, frozenset[str]] = {
    "visits": frozenset({"visitors", "visits"}),
    "events": frozenset({"visitors", "pageviews", "events"}),
}
"""Metrics that stay sums when labels are folded, by the one table that they are counted from."""
DAYS_MAX = 3
"""Of more days that are not over only what somebody looks at is worth to be read."""
_PARTS = ("visits", "pageviews", "events")


def remember_together(
    context: Context, site: Site, queries: Sequence[StatsQuery], viewer: Viewer = Viewer.MEMBER
) -> None:
    """
    Answer those of the questions that one statement can answer, for `answer` to find.

    Raises:
        QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    found = [asked for query in queries if (asked := _asked(context, site, query, viewer)) is not None]
    together: dict[tuple[object, ...], list[_Asked]] = {}
    for asked in found:
        together.setdefault(asked.kind, []).append(asked)
    for some in together.values():
        _learn(context, some)


@dataclass(frozen=True, slots=True)
class _Asked:
    """
    One question, the statement it is asked by when it is asked alone, and the table it is counted from.
    """

    question: Question
    statement: Statement
    table: Table

    @property
    def dimension(self) -> Dimension:
        return self.question.dimensions[0]

    @property
    def kind(self) -> tuple[object, ...]:
        # Questions of one statement read the same days in the same way.
        return (self.question.period, self.question.report is not None and self.question.closed is not None)


def _asked(context: Context, site: Site, query: StatsQuery, viewer: Viewer) -> _Asked | None:
    if query.filters or query.order or query.offset or not query.total_rows or len(query.dimensions) != 1:
        return None
    try:
        ready = prepare(context, site, query, viewer)
    except QueryError:
        return None
    question, dimension = ready.question, ready.dimensions[0]
    if ready.question.imported or dimension.prop or dimension.family == "time" or dimension.name == "event:goal":
        return None
    cells = any(question.folded)
    tables = make_plan(question.query.metrics, ready.dimensions, (), question.period, cells=cells).tables
    if len(tables) != 1 or query.metrics[0] != "visitors" or not set(query.metrics) <= _SUMS[tables[0]]:
        return None
    by_rollup = question.report is not None and question.closed is not None
    if by_rollup and (question.overlapping or dimension.name in LARGE):
        return None
    statement = question.rows()
    if question.reads and (not context.warehouse.embedded or _days_read(question, by_rollup=by_rollup) > DAYS_MAX):
        return None
    if context.memory.knows(context.warehouse, statement.sql, statement.parameters, read=question.reads):
        return None
    return _Asked(question, statement, tables[0])


def _days_read(question: Question, *, by_rollup: bool) -> int:
    spans = ((question.period.first, question.period.last),)
    if by_rollup and question.closed is not None:
        spans = question.closed.open_spans
    return sum((last - first).days + 1 for first, last in spans)


def _learn(context: Context, some: Sequence[_Asked]) -> None:
    if len(some) < 2:
        return
    reads = some[0].question.reads

    def run(statement: Statement) -> Rows:
        return context.warehouse.query(statement.sql, statement.parameters)

    def ask() -> list[tuple[str, Mapping[str, object], Rows]]:
        found = {(_text(name), bool(keeps)): _Found(*row) for name, keeps, *row in run(_statement(some))}
        answers: list[tuple[str, Mapping[str, object], Rows]] = []
        for one in some:
            name = one.dimension.name
            rows = _rows_of(one.question, found.get((name, True), _NOTHING), found.get((name, False), _NOTHING))
            answers.append((one.statement.sql, one.statement.parameters, corrected(one.question, rows, run)))
        return answers

    context.memory.learn(context.warehouse, ask, read=reads)


class _Found(NamedTuple):
    """
    What was found of one dimension's labels, those that keep their name or those that do not: the first ones, each
    after its visitors as a negative number and before its sums, how many there are, and what all of them come to.
    """

    first: Sequence[tuple[int, str, int, int, int]]
    labels: int
    sums: tuple[int, int, int, int]


_NOTHING = _Found([], 0, (0, 0, 0, 0))


def _rows_of(question: Question, kept: _Found, folded: _Found) -> Rows:
    # As `Question.rows` asks for them: label, metrics, how many people, 0 without filters, number of rows.
    lines = [(_text(label), -fewer, *sums) for fewer, label, *sums in kept.first]
    if folded.labels:
        lines.append((OTHER, *folded.sums))
    total = int(kept.labels) + bool(folded.labels)
    return [
        (label, *(_number(name, int(visitors), sums) for name in question.query.metrics), int(visitors), 0, total)
        for label, visitors, *sums in lines[: question.query.limit]
    ]


def _number(metric: str, visitors: int, sums: Sequence[int]) -> int:
    return visitors if metric == "visitors" else int(sums[_PARTS.index(metric)])


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _statement(some: Sequence[_Asked]) -> Statement:
    parameters = Parameters()
    first = some[0].question
    by_rollup = first.report is not None and first.closed is not None
    sums = ", ".join(f"sum({name}) AS {name}" for name in _PARTS)
    if by_rollup and first.is_of_rollups:
        # Nobody is in two rows of these reports, or is taken off afterwards: people need not be told apart.
        added, counted, visitors = _closed_days(some, parameters), "counted", "sum(counted)"
    else:
        tables: list[Table] = list(dict.fromkeys(one.table for one in some))
        selects = [_open_days(some, table, parameters) for table in tables]
        added = " UNION ALL ".join(selects)
        if by_rollup:
            nobody = "arrayReduce('uniqExactState', emptyArrayUInt64()) AS people"
            closed = _closed_days(some, parameters)
            sure = f"toString(name) AS name, label, counted, {nobody}, {', '.join(_PARTS)}"
            selects.append(f"SELECT {sure} FROM ({closed})")
            added = (
                f"SELECT name, label, sum(counted) AS counted, uniqExactMergeState(people) AS people, {sums}"
                f" FROM ({' UNION ALL '.join(selects)}) GROUP BY name, label"
            )
        counted = "counted + finalizeAggregation(people)"
        # Of labels that keep their name only those of each one are asked for.
        visitors = "sum(counted) + uniqExactMergeIf(people, NOT keeps)"
    folded = parameters.add([one.dimension.name for one in some if any(one.question.folded)], "Array(String)")
    other, least = parameters.add(OTHER, "String"), parameters.add(first.k, "UInt32")
    keeps = f"NOT (name IN {folded} AND ({counted} < {least} OR label = {other})) AS keeps"
    limit = parameters.add(max(one.question.query.limit for one in some), "UInt64")
    place = f"(-toInt64({counted}), label, {', '.join(f'toUInt64({name})' for name in _PARTS)})"
    numbers = ", ".join(f"toUInt64(sum({name}))" for name in _PARTS)
    return Statement(
        f"SELECT name, keeps, groupArraySorted({limit})({place}), count(), (toUInt64({visitors}), {numbers})"
        f" FROM (SELECT *, {keeps} FROM ({added})) GROUP BY name, keeps",
        parameters.values,
    )


def _closed_days(some: Sequence[_Asked], parameters: Parameters) -> str:
    reports = list(dict.fromkeys(one.question.report for one in some if one.question.report is not None))
    question = some[0].question
    assert question.closed is not None
    rollups = RollupParts(
        *(question.site_id, question.period, reports[0], (), question.closed, parameters),
        wanted=("visitors", *_PARTS),
        beside=reports[1:],
    )
    there = " OR ".join(
        f"({'event_rows' if table == 'events' else 'visit_rows'} > 0 AND report IN {names})"
        for table in dict.fromkeys(one.table for one in some)
        if (names := parameters.add([one.dimension.name for one in some if one.table == table], "Array(String)"))
    )
    source = rollups.source_where(there)
    if question.closed.is_one_sum:
        # A label has one row, so nothing has to be added up.
        return f"SELECT report AS name, label1 AS label, visitors AS counted, {', '.join(_PARTS)} FROM {source}"
    sums = ", ".join(f"sum({name}) AS {name}" for name in _PARTS)
    return (
        f"SELECT report AS name, toString(label1) AS label, sum(visitors) AS counted, {sums}"
        f" FROM {source} GROUP BY report, label1"
    )


def _open_days(some: Sequence[_Asked], table: Table, parameters: Parameters) -> str:
    question = some[0].question
    dimensions = tuple(dict.fromkeys(one.dimension for one in some if one.table == table))
    metrics = tuple(name for name in ("visitors", *_PARTS) if name in _SUMS[table])
    spans = question.closed.open_spans if question.closed is not None and question.report is not None else None
    rows = RowParts(
        *(question.site_id, question.period, metrics, dimensions, (), question.goals, parameters),
        spans=spans,
        wanted=[name for name in metrics if name != "visitors"],
        people=True,
    )
    # No metric asked here is counted by events where people are counted by visits.
    plan = make_plan(metrics, dimensions, (), question.period, cells=True)
    select = rows.select(table, plan, sets=[(at,) for at in range(len(dimensions))])
    names = parameters.add([dimension.name for dimension in dimensions], "Array(String)")
    labels = ", ".join(f"toString(f{at})" for at in range(len(dimensions)))
    sums = ", ".join(f"toUInt64({name}) AS {name}" if name in metrics else f"toUInt64(0) AS {name}" for name in _PARTS)
    return (
        f"SELECT {names}[chosen] AS name, [{labels}][chosen] AS label, toUInt64(0) AS counted, people, {sums}"
        f" FROM ({select})"
    )
