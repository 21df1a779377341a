"""
The parameters of the older interface: period, date, metrics, and filters written as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dashboard.api.access import ApiError
from dashboard.stats.dimensions import PROPS_PREFIX, find_dimension
from dashboard.stats.filters import OPERATORS
from dashboard.stats.goals import page_pattern
from dashboard.stats.metrics import METRICS
from dashboard.stats.period import PeriodError, parse_day
from dashboard.stats.query import Filter, StatsQuery

DOCS = "https://plausible.io/docs/stats-api"
"""Where clients of this interface find it described."""
_METRICS = ("visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration")
_PAGE_AND_GOAL_METRICS = ("time_on_page", "conversion_rate")
PERIODS = ("day", "7d", "30d", "month", "6mo", "12mo", "custom")
_FILTER = re.compile(r"^\s*([^=!]+?)\s*(==|!=)\s*(.*)$", re.DOTALL)
_BAD_DATE = "Error parsing `date` parameter: invalid_format. Please specify a valid date in ISO-8601 format."
_BAD_DATES = (
    "Invalid format for `date` parameter. When using a custom period, please include two ISO-8601 formatted dates"
    f" joined by a comma. See {DOCS}#time-periods"
)

assert {"is", "is_not", "matches", "matches_not"} <= set(OPERATORS)


def legacy_query(parameters: Mapping[str, str]) -> StatsQuery:
    """
    Read a question.

    Raises:
        ApiError: a parameter is wrong.
    """
    period, date = parameters.get("period", "30d"), parameters.get("date")
    imports = parameters.get("with_imported") == "true"
    if period not in PERIODS:
        raise ApiError(
            400,
            f"Error parsing `period` parameter: invalid period `{period[:100]}`."
            f" Please find accepted values in our docs: {DOCS}#time-periods",
        )
    days = _custom(date) if period == "custom" else None
    if date is not None and days is None:
        _day(date)
    filters = tuple(_filter(text) for text in _split(parameters.get("filters", ""), ";"))
    metrics = _metrics(parameters.get("metrics", "visitors"), filters, parameters.get("property") or None)
    if days is not None:
        return StatsQuery(metrics, days, filters=filters, imports=imports)
    return StatsQuery(metrics, period, date=date, filters=filters, whole_calendar=True, imports=imports)


def whole(parameters: Mapping[str, str], name: str, default: int, most: int, text: str) -> int:
    """
    Read a whole number from 1 to `most`.

    Args:
        text: what to answer otherwise.

    Raises:
        ApiError: it is something else.
    """
    given = parameters.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= 9 and 1 <= int(given) <= most):
        raise ApiError(400, text)
    return int(given)


def _metrics(text: str, filters: Sequence[Filter], split: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if len(set(names)) != len(names):
        raise ApiError(400, "Metrics cannot be queried multiple times.")
    filtered = [one.dimension for one in filters]
    for name in names:
        problem = _problem(name, filtered, split)
        if problem:
            raise ApiError(400, problem)
    return names


def _problem(name: str, filtered: Sequence[str], split: str | None) -> str:
    """
    Say why a metric cannot be asked for, in the texts that clients of this interface know; empty if it can.
    """
    if name not in METRICS or name not in (*_METRICS, *_PAGE_AND_GOAL_METRICS):
        return f"The metric `{name[:100]}` is not recognized. Find valid metrics from the documentation: {DOCS}#metrics"
    if name == "time_on_page":
        return _time_problem(filtered, split)
    if name == "conversion_rate" and split != "event:goal" and "event:goal" not in filtered:
        return f"Metric `{name}` can only be queried in a goal breakdown or with a goal filter"
    if name == "views_per_visit" and "event:page" in filtered:
        return f"Metric `{name}` cannot be queried with a filter on `event:page`."
    if name == "views_per_visit" and split:
        return f"Metric `{name}` is not supported in breakdown queries."
    if name in ("visits", "bounce_rate", "visit_duration", "views_per_visit"):
        if split and _of_event(split):
            return f"Session metric `{name}` cannot be queried for breakdown by `{split}`."
        of_event = next((one for one in filtered if _of_event(one)), None)
        if of_event:
            return f"Session metric `{name}` cannot be queried when using a filter on `{of_event}`."
    return ""


def _time_problem(filtered: Sequence[str], split: str | None) -> str:
    for dimension in ("event:goal", "event:name"):
        if dimension in filtered:
            return f"Metric `time_on_page` cannot be queried when filtering by `{dimension}`"
    if split not in (None, "event:page"):
        return "Metric `time_on_page` is not supported in breakdown queries (except `event:page` breakdown)"
    if split is None and "event:page" not in filtered:
        return "Metric `time_on_page` can only be queried in a page breakdown or with a page filter."
    return ""


def _of_event(dimension: str) -> bool:
    return dimension in ("event:name", "event:goal") or dimension.startswith(PROPS_PREFIX)


def _custom(date: str | None) -> tuple[str, str]:
    if not date:
        raise ApiError(
            400,
            f"The `date` parameter is required when using a custom period. See {DOCS}#time-periods",
        )
    parts = [part.strip() for part in date.split(",")]
    if len(parts) != 2:
        raise ApiError(
            400,
            _BAD_DATES,
        )
    try:
        first, last = (parse_day(part).isoformat() for part in parts)
    except PeriodError:
        raise ApiError(400, _BAD_DATES) from None
    if first > last:
        raise ApiError(400, "Invalid `date` parameter: the first day lies after the last.")
    return first, last


def _day(text: str) -> str:
    try:
        return parse_day(text).isoformat()
    except PeriodError:
        raise ApiError(400, _BAD_DATE) from None


def _filter(text: str) -> Filter:
    match = _FILTER.match(text)
    if match is None:
        raise ApiError(400, f"Unable to parse filter '{text[:200]}'. A filter looks like visit:browser==Firefox.")
    name, sign, written = match[1], match[2], match[3]
    dimension = find_dimension(name)
    if dimension is None or dimension.family == "time":
        raise ApiError(
            400,
            f"Invalid filter property '{name[:200]}'. Please provide a valid filter property: {DOCS}#properties",
        )
    values = tuple(value.strip().replace("\\|", "|") for value in _split(written, "|"))
    negation = "_not" if sign == "!=" else ""
    if any("*" in value for value in values) and name != "event:goal":
        return Filter(f"matches{negation}", name, tuple(page_pattern(value) for value in values))
    return Filter(f"is{negation}", name, values or ("",))


def _split(text: str, separator: str) -> list[str]:
    # A backslash before the separator makes it part of the text.
    parts = re.split(rf"(?<!\\){re.escape(separator)}", text)
    return [part.replace(f"\\{separator}", separator) if separator == ";" else part for part in parts if part.strip()]
