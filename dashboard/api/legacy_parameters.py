"""
The parameters of the older interface: period, date, metrics, and filters written as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dashboard.api.access import ApiError
from dashboard.stats.dimensions import find_dimension
from dashboard.stats.filters import OPERATORS
from dashboard.stats.goals import page_pattern
from dashboard.stats.metrics import METRICS
from dashboard.stats.period import PeriodError, parse_day, resolve
from dashboard.stats.query import Filter, StatsQuery

DOCS = "https://plausible.io/docs/stats-api"
"""Where clients of this interface find it described."""
_NEW_METRICS = frozenset({"scroll_depth", "percentage", "total_revenue", "average_revenue"})
_FILTER = re.compile(r"^\s*([^=!]+?)\s*(==|!=)\s*(.*)$", re.DOTALL)
_BAD_DATE = "Error parsing `date` parameter: invalid_format. Please specify a valid date in ISO-8601 format."

assert {"is", "is_not", "matches", "matches_not"} <= set(OPERATORS)


def legacy_query(parameters: Mapping[str, str]) -> StatsQuery:
    """
    Read a question.

    Raises:
        ApiError: a parameter is wrong.
    """
    metrics = _metrics(parameters.get("metrics", "visitors"))
    filters = tuple(_filter(text) for text in _split(parameters.get("filters", ""), ";"))
    period, date = parameters.get("period", "30d"), parameters.get("date")
    imports = parameters.get("with_imported") == "true"
    if period == "custom":
        return StatsQuery(metrics, _custom(date), filters=filters, imports=imports)
    if date is not None:
        _day(date)
    try:
        if period in ("realtime", "24h"):
            raise PeriodError(period)
        resolve(period, "Etc/UTC", 0, today="2000-01-01")
    except (PeriodError, OverflowError):
        raise ApiError(
            400,
            f"Error parsing `period` parameter: invalid period `{period[:100]}`."
            f" Please find accepted values in our docs: {DOCS}#time-periods",
        ) from None
    return StatsQuery(metrics, period, date=date, filters=filters, imports=imports)


def whole(parameters: Mapping[str, str], name: str, default: int, most: int) -> int:
    """
    Read a whole number from 1 to `most`.

    Raises:
        ApiError: it is something else.
    """
    text = parameters.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise ApiError(400, f"Please provide {name} as a number between 1 and {most}.")
    return int(text)


def _metrics(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in METRICS or name in _NEW_METRICS:
            raise ApiError(
                400,
                f"The metric `{name[:100]}` is not recognized. Find valid metrics from the documentation:"
                f" {DOCS}#get-apiv1statsbreakdown",
            )
    if len(set(names)) != len(names):
        raise ApiError(400, "Metrics cannot be queried multiple times.")
    return names


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
            "Invalid format for `date` parameter. When using a custom period, please include two ISO-8601 dates"
            " joined by a comma.",
        )
    first, last = (_day(part) for part in parts)
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
