"""
The dimensions: what rows can be about and what can be filtered by, and the columns they are read from.

Column expressions in SQL come from here and nowhere else; a property's key travels as a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from warehouse.sealing.statements import CITY_FOLDED

PROPS_PREFIX = "event:props:"
PROP_KEY_CHARS_MAX = 300
"""As in the events API."""

NOT_SET = "(not set)"
NONE = "(none)"
OTHER = "(other)"
"""The row that rare values are folded into."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """
    One dimension.

    Attributes:
        family: of what it is an attribute: one event, a whole visit, or time.
        event_column: how it is read from events; empty if only the visit knows (entry and exit).
        visit_column: how it is read from visits; empty if only the event knows. For a page or hostname: of the entry.
        empty: the label of "not known".
        exact: shown without folding when unfiltered and the viewer is signed in (contract, "Small cells").
        prop: the key of a property, else empty.
    """

    name: str
    family: Literal["event", "visit", "time"]
    event_column: str
    visit_column: str
    empty: str = NOT_SET
    exact: bool = False
    prop: str = ""

    @property
    def by_clock(self) -> bool:
        return self.name in ("time:hour", "time:minute")


def _visit(name: str, *, empty: str = NOT_SET, exact: bool = False) -> Dimension:
    column = f"CAST({name}, 'String')"
    return Dimension(f"visit:{name}", "visit", column, column, empty, exact)


def _edge(name: str, column: str) -> Dimension:
    return Dimension(name, "visit", "", column, exact=True)


_CITY = f"multiIf(city = 0, '', city = {CITY_FOLDED}, '{OTHER}', toString(city))"

DIMENSIONS: Mapping[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("event:name", "event", "CAST(name, 'String')", "", exact=True),
        Dimension("event:page", "event", "pathname", "entry_page", exact=True),
        Dimension("event:hostname", "event", "hostname", "entry_hostname", exact=True),
        Dimension("event:goal", "event", "", "", exact=True),
        _visit("source", empty="Direct / None", exact=True),
        _visit("channel", empty="Direct", exact=True),
        _visit("referrer", empty="Direct / None", exact=True),
        _visit("utm_source", exact=True),
        _visit("utm_medium", exact=True),
        _visit("utm_campaign", exact=True),
        _visit("utm_content"),
        _visit("utm_term"),
        _visit("device"),
        _visit("browser"),
        _visit("browser_version"),
        _visit("os"),
        _visit("os_version"),
        _visit("country"),
        _visit("region"),
        Dimension("visit:city", "visit", _CITY, _CITY),
        _edge("visit:entry_page", "entry_page"),
        _edge("visit:exit_page", "exit_page"),
        _edge("visit:entry_page_hostname", "entry_hostname"),
        _edge("visit:exit_page_hostname", "exit_hostname"),
        *(
            Dimension(f"time:{interval}", "time", "", "", empty="", exact=True)
            for interval in ("minute", "hour", "day", "week", "month")
        ),
    )
}


def find_dimension(name: str) -> Dimension | None:
    """
    Look a dimension up; `event:props:<key>` for any key. `time` alone is not one: it depends on the period.
    """
    if name.startswith(PROPS_PREFIX):
        key = name.removeprefix(PROPS_PREFIX)
        if not 0 < len(key) <= PROP_KEY_CHARS_MAX:
            return None
        return Dimension(name, "event", "", "", empty=NONE, prop=key)
    return DIMENSIONS.get(name)


def known_dimension(name: str) -> Dimension:
    """
    Look up a name that was checked before.
    """
    dimension = find_dimension(name)
    assert dimension is not None
    return dimension
