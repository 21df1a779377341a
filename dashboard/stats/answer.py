"""
Hop 8: answer a question about a site, the same way for pages, API and files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, TypeVarTuple, Unpack

import anyio
from anyio import to_thread

from dashboard.context import Context
from dashboard.stats.dimensions import OTHER, Dimension
from dashboard.stats.gate import SMALL_CELL, Cell, Gate
from dashboard.stats.judging import verdicts
from dashboard.stats.meeting import corrected
from dashboard.stats.metrics import REVENUE_METRICS
from dashboard.stats.period import Period, PeriodError
from dashboard.stats.prepare import prepare
from dashboard.stats.query import QueryError, Row, StatsQuery, StatsResult, Value, Viewer
from dashboard.stats.revenue import currencies_for, without_unknown
from dashboard.stats.scope import Parameters
from dashboard.stats.sql import Question
from dashboard.stats.statement import Statement
from warehouse.client import Warehouse, WarehouseRefused
from warehouse.registry.sites import Site

QUESTIONS_AT_ONCE = 4
"""Threads that may wait for the store at once; further questions queue."""
LIVE_SECONDS = 300
"""How long ago a visitor's last event may be to count as present; from the stats API's documentation."""

_WAITING = anyio.CapacityLimiter(QUESTIONS_AT_ONCE)
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")
_RATES = frozenset({"percentage", "conversion_rate", "group_conversion_rate"})
"""Metrics that are measured against everybody; asked once for all of a page's panels."""
_PATTERN_CODE = "Code: 427"
"""The engine's number for a pattern that RE2 cannot compile."""


def answer(context: Context, site: Site, query: StatsQuery, viewer: Viewer = Viewer.MEMBER) -> StatsResult:
    """
    Answer a question. Blocks while the store works: from async code use `ask`.

    Raises:
        QueryError: the question is wrong; show the text.
        QueryTimeout: the store needed too long; say so in the panel and let the page live.
        WarehouseUnavailable: the store is away; ask again later.
    """
    ready = prepare(context, site, query, viewer)
    gate, asked, dimensions, period = ready.gate, ready.asked, ready.dimensions, ready.period
    question, judging, folded, imports = ready.question, ready.judging, ready.question.folded, ready.imports
    labels = _labels(asked, period)
    if question.is_of_rollups and _RATES & set(asked.metrics):
        statement = replace(judging, parameters=Parameters()).visitor_counts([()])
        question.everybody = int(_remembered(context, statement, question)[0][0])
    if gate.judges() and not any(folded) and _withheld(context.warehouse, gate, judging):
        return replace(_nothing(asked, dimensions, period, labels), imports=imports)
    found = _remembered(context, question.rows(), question)
    if gate.judges() and any(folded) and _withheld(context.warehouse, gate, judging, found):
        return replace(_nothing(asked, dimensions, period, labels), imports=imports)
    width = len(dimensions)
    cells = [
        Cell(
            tuple(str(label) for label in row[:width]),
            tuple(_value(value) for value in row[width : width + len(asked.metrics)]),
            visitors=int(row[-3]),
            hashed=int(row[-4]) if gate.blurs else 0,
        )
        for row in found
    ]
    rows, withheld = gate.shown(asked.metrics, cells)
    warnings = dict.fromkeys(asked.metrics, SMALL_CELL) if withheld else {}
    row_currencies: tuple[str | None, ...] = ()
    if REVENUE_METRICS & set(asked.metrics):
        currencies = currencies_for(asked, ready.goals)
        if currencies.warning is not None:
            warnings.update(dict.fromkeys(REVENUE_METRICS & set(asked.metrics), currencies.warning))
        rows = tuple(without_unknown(asked, row, currencies) for row in rows)
        row_currencies = tuple(currencies.of(row.dimensions) for row in rows)
    total = None
    if asked.total_rows:
        total = int(found[0][-1]) if found else 0
    return StatsResult(asked, period, rows, warnings, labels, total, row_currencies, imports)


def present_visitors(context: Context, site: Site) -> int:
    """
    Count the visitors of the last five minutes; engagement alone is not presence.

    Raises:
        QueryTimeout, WarehouseUnavailable: as for `answer`.
    """
    now = context.clock.now_ms() // 1000
    rows = context.warehouse.query(
        # A local day is at most one before or after that of UTC. What carries a later time than now is not there yet.
        "SELECT uniqExact(visitor_id) FROM events WHERE site_id = {site:UInt32}"
        " AND day BETWEEN toDate(toDateTime({since:UInt32}, 'UTC')) - 1 AND toDate(toDateTime({now:UInt32}, 'UTC')) + 1"
        " AND ts BETWEEN toDateTime({since:UInt32}, 'UTC') AND toDateTime({now:UInt32}, 'UTC')"
        " AND visitor_id != 0 AND name != 'engagement'",
        {"site": site.id, "since": now - LIVE_SECONDS, "now": now},
    )
    return int(rows[0][0])


async def ask(context: Context, site: Site, query: StatsQuery, viewer: Viewer = Viewer.MEMBER) -> StatsResult:
    """
    Answer a question in a thread, so that the server's loop never waits for the store; errors as for `answer`.
    """
    return await in_thread(answer, context, site, query, viewer)


async def in_thread(work: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
    """
    Run something that waits for the store in one of `QUESTIONS_AT_ONCE` threads.
    """
    return await to_thread.run_sync(work, *arguments, limiter=_WAITING)


def _withheld(warehouse: Warehouse, gate: Gate, judging: Question, found: Sequence[tuple[Any, ...]] = ()) -> bool:
    """
    Judge who fits a question's filters.

    Args:
        found: the rows of the answer; where they show that more than enough people fit, and more than enough do not,
            a single filter needs no count of its own.
    """
    asked = verdicts(judging.query.filters, gate.viewer)
    sets = list(dict.fromkeys(filters for verdict in asked for filters in (verdict.filters, verdict.parent)))
    if found and len(asked) == 1:
        (everybody,) = _run(warehouse, judging.visitor_counts([()]))[0]
        # People may be in several rows, so all of these are at least as many as fit.
        if max(int(row[-3]) for row in found) >= gate.k and everybody - int(found[0][-2]) >= gate.k:
            return False
    counts = dict(zip(sets, _run(warehouse, judging.visitor_counts(sets))[0], strict=True))
    return any(
        gate.withholds_total(counts[verdict.filters], counts[verdict.parent])
        for verdict in asked
        if counts[verdict.filters] or not verdict.may_be_empty
    )


def _nothing(
    query: StatsQuery, dimensions: Sequence[Dimension], period: Period, labels: tuple[str, ...] | None
) -> StatsResult:
    # The same whether few fit or nobody does; a course over time has no rows at all then.
    timed = any(dimension.family == "time" for dimension in dimensions)
    rows = () if timed or query.offset else (Row((OTHER,) * len(dimensions), (None,) * len(query.metrics)),)
    warnings = dict.fromkeys(query.metrics, SMALL_CELL)
    return StatsResult(query, period, rows, warnings, labels, (0 if timed else 1) if query.total_rows else None)


def _labels(query: StatsQuery, period: Period) -> tuple[str, ...] | None:
    if not query.time_labels:
        return None
    interval = next((name.removeprefix("time:") for name in query.dimensions if name.startswith("time:")), None)
    if interval is None:
        raise QueryError("Invalid include.time_labels: requires a time dimension.")
    try:
        return period.labels(interval)
    except PeriodError as error:
        raise QueryError(f"Invalid time dimension: {error}") from None


def _remembered(context: Context, statement: Statement, question: Question) -> Sequence[tuple[Any, ...]]:
    def run(asked: Statement) -> Sequence[tuple[Any, ...]]:
        return _run(context.warehouse, asked)

    def ask() -> Sequence[tuple[Any, ...]]:
        return corrected(question, run(statement), run)

    return context.memory.answer(context.warehouse, statement.sql, statement.parameters, ask, read=question.reads)


def _run(warehouse: Warehouse, statement: Statement) -> Sequence[tuple[Any, ...]]:
    try:
        return warehouse.query(statement.sql, statement.parameters, settings=statement.settings)
    except WarehouseRefused as error:
        if _PATTERN_CODE in str(error):
            raise QueryError("Invalid filters. A pattern is not a valid RE2 expression.") from None
        raise


def _value(value: Any) -> Value:
    # Sums come as floats; what counts something is whole.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if value is None else value
