"""
The dimensions `visit:country_name`, `visit:region_name` and `visit:city_name`, as questions by code with labels written
out. Countries have English names; regions and cities have codes only here, so their names are their codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from babel.core import Locale

from dashboard.stats.dimensions import NOT_SET
from dashboard.stats.parse import DEPTH_MAX
from dashboard.stats.query import QueryError

_CODES = {"visit:country_name": "visit:country", "visit:region_name": "visit:region", "visit:city_name": "visit:city"}
_NAMES: dict[str, str] = {
    code: name
    for code, name in cast("dict[str, str]", Locale("en").territories).items()
    if len(code) == 2 and code.isalpha()
}


class NamedPlaces:
    """
    One question that may name places.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        """
        Args:
            body: of `POST /api/v2/query`, not checked yet.
        """
        asked: Any = body.get("dimensions")
        self._dimensions: list[Any] = cast("list[Any]", asked) if isinstance(asked, list) else []
        rewrite = {"dimensions": _dimension, "order_by": _order, "filters": _filter}
        self.by_code: dict[str, Any] = {
            name: [rewrite[name](part) for part in cast("list[Any]", value)]
            if name in rewrite and isinstance(value, list)
            else value
            for name, value in body.items()
        }
        """The same question by code."""

    def labels(self, labels: Sequence[str]) -> list[str]:
        """
        Write a row's labels as its dimensions want them.
        """
        asked = self._dimensions if len(self._dimensions) == len(labels) else [""] * len(labels)
        return [
            _NAMES.get(label, label) if dimension == "visit:country_name" else label
            for dimension, label in zip(asked, labels, strict=True)
        ]

    def echo(self, executed: dict[str, Any]) -> dict[str, Any]:
        """
        Name the dimensions of an executed question as they were asked for, so that it can be sent again.
        """
        named = {_CODES[name]: name for name in self._dimensions if isinstance(name, str) and name in _CODES}
        return {
            **executed,
            "dimensions": [named.get(name, name) for name in executed["dimensions"]],
            "order_by": [[named.get(by, by), way] for by, way in executed["order_by"]],
        }


def _dimension(name: Any) -> Any:
    return _CODES.get(name, name) if isinstance(name, str) else name


def _order(entry: Any) -> Any:
    parts = cast("list[Any]", entry) if isinstance(entry, list) else []
    return [_dimension(parts[0]), *parts[1:]] if parts else cast(Any, entry)


def _filter(tree: Any, depth: int = 0) -> Any:
    if not isinstance(tree, list) or depth > 2 * DEPTH_MAX:
        return cast(Any, tree)
    parts = cast("list[Any]", tree)
    if len(parts) >= 3 and isinstance(parts[1], str) and isinstance(parts[2], list):
        if parts[1] == "visit:country_name":
            return _by_country(str(parts[0]), cast("list[Any]", parts[2]), parts[3:])
        return [parts[0], _dimension(parts[1]), *parts[2:]]
    return [_filter(part, depth + 1) for part in parts]


def _by_country(operator: str, names: list[Any], modifiers: list[Any]) -> list[Any]:
    """
    Write a filter on names of countries as one on codes; what cannot be read is left to the parser, which refuses it.

    Raises:
        QueryError: patterns are for codes.
    """
    if not all(isinstance(name, str) for name in names):
        return [operator, "visit:country", names, *modifiers]
    if operator.startswith("matches"):
        raise QueryError(f"Operator `{operator}` is not supported for filters on `visit:country_name`.")
    loose = modifiers == [{"case_sensitive": False}]
    wanted = [name.casefold() if loose else name for name in cast("list[str]", names)]
    codes: list[str] = []
    for code, name in _NAMES.items():
        text = name.casefold() if loose else name
        if any(one in text for one in wanted) if operator.startswith("contains") else text in wanted:
            codes.append(code)
    unknown = [name for name in wanted if name == NOT_SET and operator.startswith("is")]
    # No country has this code.
    return ["is_not" if operator.endswith("_not") else "is", "visit:country", [*codes, *unknown] or ["ZZ"]]
