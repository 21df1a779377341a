"""
Filters as an address writes them: `page:/pricing` is, `page!:/pricing` is not, `page~:/blog` contains, and so on.

Several values under the same name and sign are alternatives; different names or signs must all fit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import quote, unquote

from dashboard.pages.panels import FILTERS, PROP_FILTER, mark
from dashboard.stats.dimensions import PROPS_PREFIX, find_dimension
from dashboard.stats.query import Filter, FilterTree, VisitFilter

SIGNS = {"": "is", "!": "is_not", "~": "contains", "!~": "contains_not", "*": "matches", "!*": "matches_not"}
"""The stats layer's operator by the sign at the end of a name."""
OPERATOR_TITLES = {
    "": mark("is"),
    "!": mark("is not"),
    "~": mark("contains"),
    "!~": mark("does not contain"),
    "*": mark("matches"),
    "!*": mark("does not match"),
}
GOAL_SIGNS = ("", "!", "~")
"""What can be asked of goals; `is not` means visits that did not reach it."""
_KEY = re.compile(r"(?P<name>.+?)(?P<sign>!~|!\*|!|~|\*)?", re.DOTALL)


def split_key(key: str) -> tuple[str, str] | None:
    """
    Split a filter's key, such as `page!~`, into name and sign; None for a name or sign that does not exist.
    """
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    name, sign = found["name"], found["sign"] or ""
    if name == "goal":
        return (name, sign) if sign in GOAL_SIGNS else None
    if name in FILTERS or (name.startswith(PROP_FILTER) and find_dimension(dimension_of(name)) is not None):
        return name, sign
    return None


def prop_filter(prop: str) -> str:
    """
    Name the filter on a property; the key may hold anything.
    """
    return PROP_FILTER + quote(prop, safe="").replace("~", "%7E")


def prop_of(name: str) -> str:
    """
    Give the property that a filter is about, or an empty text.
    """
    return unquote(name.removeprefix(PROP_FILTER)) if name.startswith(PROP_FILTER) else ""


def dimension_of(name: str) -> str:
    """
    Give the stats layer's dimension of a filter's name.
    """
    return FILTERS[name] if name in FILTERS else PROPS_PREFIX + prop_of(name)


def conditions_of(pairs: Sequence[tuple[str, str]]) -> tuple[FilterTree, ...]:
    """
    Turn keys and values into filters; values of one key are alternatives.
    """
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return tuple(_condition(key, tuple(alternatives)) for key, alternatives in values.items())


def written(tree: FilterTree) -> list[object]:
    """
    Write a filter of the address as in `POST /api/v2/query`, which is how segments keep it.
    """
    if isinstance(tree, VisitFilter):
        return [tree.operator, written(tree.filter)]
    assert isinstance(tree, Filter)
    modifiers: list[object] = [] if tree.case_sensitive else [{"case_sensitive": False}]
    return [tree.operator, tree.dimension, list(tree.values), *modifiers]


def known_pairs(pairs: Sequence[tuple[str, str]], goals: Collection[str]) -> tuple[tuple[str, str], ...]:
    """
    Leave out filters on goals that the site no longer has: an old bookmark should still open.
    """
    return tuple((key, value) for key, value in pairs if key not in ("goal", "goal!") or value in goals)


def asked_filter(given: Mapping[str, str]) -> tuple[str, str] | None:
    """
    Read what the filter form sends: `filter`, `sign`, `value` and, for a property, its `key`.
    """
    name, sign, value = given.get("filter", ""), given.get("sign", ""), given.get("value", "").strip()
    if name == "prop":
        name = prop_filter(given.get("key", "").strip())
    if sign not in SIGNS or not value or split_key(name + sign) is None:
        return None
    return name + sign, value


def _condition(key: str, values: tuple[str, ...]) -> FilterTree:
    split = split_key(key)
    assert split is not None
    name, sign = split
    if name == "goal" and sign == "!":
        return VisitFilter("has_not_done", Filter("is", "event:goal", values))
    # People look for a part of a text without minding its case.
    return Filter(SIGNS[sign], dimension_of(name), values, case_sensitive=sign not in ("~", "!~"))
