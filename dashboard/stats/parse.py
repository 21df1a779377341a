"""
The body of `POST /api/v2/query` as a `StatsQuery`.

Errors carry the JSON pointer of what is wrong, with the texts that clients of the stats API know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from dashboard.stats.dimensions import OTHER, find_dimension
from dashboard.stats.filters import OPERATORS
from dashboard.stats.metrics import METRICS
from dashboard.stats.period import PeriodError, resolve
from dashboard.stats.query import (
    ROWS_MAX,
    Filter,
    FilterGroup,
    FilterTree,
    Order,
    QueryError,
    StatsQuery,
    VisitFilter,
)

KEYS = ("site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination")
INCLUDES = ("imports", "time_labels", "total_rows", "trim_relative_date_range")
DEPTH_MAX = 10
"""Deepest nesting of `and`, `or`, `not` and `has_done`."""
VALUES_MAX = 1_000
"""Most values of one filter, and most filters together."""


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """
    A question and what of the answer's frame was asked for.
    """

    query: StatsQuery
    filters: list[Any]
    """As sent, to be repeated in the answer."""


def parse_query(body: Mapping[str, Any]) -> ParsedQuery:
    """
    Read a question; `site_id` is the caller's matter.

    Raises:
        QueryError: something in it is not allowed; the text begins with the JSON pointer.
    """
    for key in body:
        if key not in KEYS:
            raise QueryError(f"#/{key}: Schema does not allow additional properties.")
    missing = [key for key in ("metrics", "date_range") if key not in body]
    if len(missing) == 1:
        raise QueryError(f"#: Required property {missing[0]} was not present.")
    if missing:
        raise QueryError(f"#: Required properties {', '.join(missing)} were not present.")
    metrics = _metrics(_array(body["metrics"], "#/metrics"))
    dimensions = _dimensions(_array(body.get("dimensions", []), "#/dimensions"))
    filters = _array(body.get("filters", []), "#/filters")
    include = _object(body.get("include", {}), "#/include", INCLUDES)
    for name, value in include.items():
        if not isinstance(value, bool):
            raise QueryError(f"#/include/{name}: Type mismatch. Expected Boolean but got {_type(value)}.")
    page = _object(body.get("pagination", {}), "#/pagination", ("limit", "offset"))
    limit = _whole(page.get("limit", ROWS_MAX), "#/pagination/limit", 1, ROWS_MAX)
    offset = _whole(page.get("offset", 0), "#/pagination/offset", 0, 2**31 - 1)
    if include.get("time_labels") and not any(name.split(":")[0] == "time" for name in dimensions):
        raise QueryError("Invalid include.time_labels: requires a time dimension.")
    query = StatsQuery(
        metrics=metrics,
        date_range=_date_range(body["date_range"]),
        dimensions=dimensions,
        filters=parse_filters(filters),
        order=tuple(
            _order(order, f"#/order_by/{index}")
            for index, order in enumerate(_array(body.get("order_by") or [], "#/order_by"))
        ),
        limit=limit,
        offset=offset,
        time_labels=bool(include.get("time_labels")),
        total_rows=bool(include.get("total_rows")),
        imports=bool(include.get("imports")),
        whole_calendar=not include.get("trim_relative_date_range"),
    )
    return ParsedQuery(query, filters)


def parse_filters(trees: list[Any]) -> tuple[FilterTree, ...]:
    """
    Read filters alone, as a segment keeps them.

    Raises:
        QueryError: one of them is not allowed.
    """
    return tuple(_filter(tree, f"#/filters/{index}", 0) for index, tree in enumerate(_array(trees, "#/filters")))


def _metrics(names: list[Any]) -> tuple[str, ...]:
    if not names:
        raise QueryError("#/metrics: Expected a minimum of 1 items but got 0.")
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in METRICS:
            raise QueryError(f"#/metrics/{index}: Invalid metric {_shown(name)}")
    return _unique(names, "#/metrics")


def _dimensions(names: list[Any]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if not isinstance(name, str) or (name != "time" and find_dimension(name) is None):
            raise QueryError(f"#/dimensions/{index}: Invalid dimension {_shown(name)}")
    return _unique(names, "#/dimensions")


def _unique(names: list[Any], pointer: str) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise QueryError(f"{pointer}: Expected items to be unique but they were not.")
    return tuple(names)


def _date_range(value: Any) -> str | tuple[str, str]:
    date_range: str | tuple[str, str]
    if isinstance(value, str):
        date_range = value
    elif _is_pair(value):
        date_range = (value[0], value[1])
    else:
        raise QueryError(f"#/date_range: Invalid date range {_shown(value)}")
    try:
        resolve(date_range, "Etc/UTC", 0)
    except (PeriodError, OverflowError):
        raise QueryError(f"#/date_range: Invalid date range {_shown(value)}") from None
    return date_range


def _is_pair(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    parts = cast(list[Any], value)
    return len(parts) == 2 and all(isinstance(part, str) for part in parts)


def _filter(tree: Any, pointer: str, depth: int) -> FilterTree:
    if not isinstance(tree, list) or not tree or depth > DEPTH_MAX:
        raise QueryError(f"{pointer}: Invalid filter {_shown(tree)}")
    parts = cast(list[Any], tree)
    operator: Any = parts[0]
    if operator in ("and", "or") and len(parts) == 2 and isinstance(parts[1], list) and parts[1]:
        inner = cast(list[Any], parts[1])
        if len(inner) > VALUES_MAX:
            raise QueryError(f"{pointer}: Expected a maximum of {VALUES_MAX} items but got {len(inner)}.")
        trees = tuple(_filter(one, f"{pointer}/1/{index}", depth + 1) for index, one in enumerate(inner))
        return FilterGroup(str(operator), trees)
    if operator == "not" and len(parts) == 2:
        return FilterGroup("not", (_filter(parts[1], f"{pointer}/1", depth + 1),))
    if operator in ("has_done", "has_not_done") and len(parts) == 2:
        held = _filter(parts[1], f"{pointer}/1", depth + 1)
        if _holds_visit_filter(held):
            raise QueryError("Invalid filters. Behavioral filters (has_done, has_not_done) cannot be nested.")
        if _asks_visit(held):
            raise QueryError(
                "Invalid filters. Behavioral filters (has_done, has_not_done) can only be used with event dimension"
                " filters."
            )
        return VisitFilter(str(operator), held)
    if operator in OPERATORS and len(parts) in (3, 4):
        return _condition(parts, pointer)
    raise QueryError(f"{pointer}: Invalid filter {_shown(parts)}")


def _condition(parts: list[Any], pointer: str) -> Filter:
    operator, dimension, values = parts[0], parts[1], parts[2]
    if not isinstance(values, list) or not values or not isinstance(dimension, str):
        raise QueryError(f"{pointer}: Invalid filter {_shown(parts)}")
    listed = cast(list[Any], values)
    if dimension == "segment":
        # There are no saved segments, so none that is named here exists.
        raise QueryError("Invalid filters. Some segments don't exist or aren't accessible.")
    found = find_dimension(dimension)
    if found is None or found.family == "time":
        raise QueryError(f"{pointer}: Invalid filter {_shown(parts)}")
    texts: list[str] = []
    for value in listed:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, int) and not isinstance(value, bool) and dimension == "visit:city":
            texts.append(str(value) if value else found.empty)
        else:
            raise QueryError(f"{pointer}: Invalid filter {_shown(parts)}")
    codes = [text for text in texts if text not in (found.empty, OTHER)]
    if dimension == "visit:country" and operator in ("is", "is_not") and any(len(text) != 2 for text in codes):
        raise QueryError("Invalid visit:country filter, visit:country needs to be a valid 2-letter country code.")
    if len(texts) > VALUES_MAX:
        raise QueryError(f"{pointer}: Expected a maximum of {VALUES_MAX} values but got {len(texts)}.")
    case_sensitive: Any = True
    if len(parts) == 4:
        modifiers = _object(parts[3], f"{pointer}/3", ("case_sensitive",))
        case_sensitive = modifiers.get("case_sensitive", True)
        if not isinstance(case_sensitive, bool):
            raise QueryError(
                f"{pointer}/3/case_sensitive: Type mismatch. Expected Boolean but got {_type(case_sensitive)}."
            )
    return Filter(operator, dimension, tuple(texts), case_sensitive)


def _holds_visit_filter(tree: FilterTree) -> bool:
    if isinstance(tree, FilterGroup):
        return any(_holds_visit_filter(inner) for inner in tree.filters)
    return isinstance(tree, VisitFilter)


def check_top_level(trees: list[Any]) -> None:
    """
    Refuse filters on goals and hostnames below the top level, as the stats API does; before segments are written out.

    Raises:
        QueryError: there is one.
    """
    for tree in trees:
        for dimension in _inner_dimensions(tree, 0):
            if dimension in ("event:goal", "event:hostname"):
                raise QueryError(f"Invalid filters. Dimension `{dimension}` can only be filtered at the top level.")


def _inner_dimensions(tree: Any, depth: int) -> Iterator[str]:
    if not isinstance(tree, list) or depth > DEPTH_MAX:
        return
    parts = cast(list[Any], tree)
    if parts[:1] in (["and"], ["or"]) and len(parts) == 2 and isinstance(parts[1], list):
        for inner in cast(list[Any], parts[1]):
            yield from _inner_dimensions(inner, depth + 1)
    elif parts[:1] == ["not"] and len(parts) == 2:
        yield from _inner_dimensions(parts[1], depth + 1)
    elif depth and len(parts) > 1 and isinstance(parts[1], str):
        yield parts[1]


def _asks_visit(tree: FilterTree) -> bool:
    if isinstance(tree, Filter):
        return not tree.dimension.startswith("event:")
    if isinstance(tree, FilterGroup):
        return any(_asks_visit(inner) for inner in tree.filters)
    return True


def _order(order: Any, pointer: str) -> Order:
    if isinstance(order, list):
        parts = cast(list[Any], order)
        if len(parts) == 2 and isinstance(parts[0], str) and parts[1] in ("asc", "desc"):
            return Order(parts[0], parts[1] == "desc")
    raise QueryError(f"{pointer}: Invalid value in order_by {_shown(order)}")


def _array(value: Any, pointer: str) -> list[Any]:
    if not isinstance(value, list):
        raise QueryError(f"{pointer}: Type mismatch. Expected Array but got {_type(value)}.")
    items = cast(list[Any], value)
    if len(items) > VALUES_MAX:
        raise QueryError(f"{pointer}: Expected a maximum of {VALUES_MAX} items but got {len(items)}.")
    return items


def _object(value: Any, pointer: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise QueryError(f"{pointer}: Type mismatch. Expected Object but got {_type(value)}.")
    members = cast(dict[str, Any], value)
    for key in members:
        if key not in allowed:
            raise QueryError(f"{pointer}/{key}: Schema does not allow additional properties.")
    return members


def _whole(value: Any, pointer: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise QueryError(f"{pointer}: Type mismatch. Expected Integer but got {_type(value)}.")
    if value < least:
        raise QueryError(f"{pointer}: Expected the value to be >= {least}")
    if value > most:
        raise QueryError(f"{pointer}: Expected the value to be <= {most}")
    return value


def _type(value: object) -> str:
    if value is None:
        return "Null"
    names: tuple[tuple[type, str], ...] = (
        (bool, "Boolean"),
        (int, "Integer"),
        (float, "Number"),
        (str, "String"),
        (list, "Array"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "Object")


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:500]
