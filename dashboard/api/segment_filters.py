"""
Filters that name a saved segment, `["is", "segment", [id]]`, written out before a question is read.
"""

from __future__ import annotations

from typing import Any, cast

from dashboard.context import Context
from dashboard.stats.parse import DEPTH_MAX
from dashboard.stats.query import QueryError
from warehouse.registry.sites import Site

MISSING = "Invalid filters. Some segments don't exist or aren't accessible."


def with_segments(context: Context, site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """
    Write out the segments that a question's filters name; several in one filter are alternatives.

    Raises:
        QueryError: the site has no such segment.
    """
    filters: Any = body.get("filters")
    if not isinstance(filters, list) or not _names_segment(filters, 0):
        return body
    saved = {segment.id: segment.filters for segment in context.registry.segments.all(site.id)}
    return {**body, "filters": [_written(tree, saved, 0) for tree in cast("list[Any]", filters)]}


def _names_segment(value: Any, depth: int) -> bool:
    if not isinstance(value, list) or depth > 2 * DEPTH_MAX:
        return False
    parts = cast("list[Any]", value)
    return parts[1:2] == ["segment"] or any(_names_segment(part, depth + 1) for part in parts)


def _written(value: Any, saved: dict[int, list[Any]], depth: int) -> Any:
    if not isinstance(value, list) or depth > 2 * DEPTH_MAX:
        return cast(Any, value)
    parts = cast("list[Any]", value)
    if parts[1:2] != ["segment"]:
        rewritten: list[Any] = [_written(part, saved, depth + 1) for part in parts]
        return rewritten
    numbers: Any = parts[2] if len(parts) == 3 and parts[0] == "is" else None
    if not isinstance(numbers, list) or not numbers:
        raise QueryError(MISSING)
    found: list[Any] = []
    for number in cast("list[Any]", numbers):
        if isinstance(number, bool) or not isinstance(number, int) or number not in saved:
            raise QueryError(MISSING)
        found.append(["and", saved[number]])
    written: list[Any] = found[0] if len(found) == 1 else ["or", found]
    return written
