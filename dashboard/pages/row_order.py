"""
The order of a panel's rows, and which of them a search finds: in the store where it can, here where names are the
reader's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from babel.core import Locale

from dashboard.pages.languages import translations_of
from dashboard.pages.panels import Tab
from dashboard.pages.row_lines import CODES, EXIT_RATE, GROUP_RATE, LABELS, territory
from dashboard.pages.view import NAME_ORDER, View
from dashboard.stats.dimensions import OTHER
from dashboard.stats.query import Order, Row


def must_arrange(view: View, tab: Tab) -> bool:
    """
    Tell whether every row is needed to search or to sort as the view asks.
    """
    by, _ = view.order()
    return bool(view.search) or by in (GROUP_RATE, EXIT_RATE) or (by == NAME_ORDER and tab.dimension in CODES)


def stats_order(view: View, tab: Tab) -> tuple[Order, ...]:
    """
    Give the order for the store; empty for its default, also where the tab has no such column.
    """
    by, descending = view.order()
    if by == NAME_ORDER:
        return (Order(tab.dimension, descending),)
    return (Order(by, descending),) if by in tab.metrics else ()


def arranged(rows: Sequence[Row], view: View, tab: Tab, locale: Locale) -> tuple[Row, ...]:
    """
    Search and sort rows; `(other)` stays last.

    A search looks at what was let through the gate already, so it can tell nothing that the whole list does not.
    """
    gettext = translations_of(locale.language).gettext

    def name(row: Row) -> str:
        value = row.dimensions[0]
        return territory(value, locale) if tab.dimension in CODES else gettext(LABELS.get(value, value) or value)

    wanted = view.search.casefold()
    found = [row for row in rows if wanted in name(row).casefold() or wanted in row.dimensions[0].casefold()]
    by, descending = view.order()
    if by == NAME_ORDER:
        found.sort(key=lambda row: name(row).casefold(), reverse=descending)
    elif by in tab.metrics:
        position = tab.metrics.index(by)
        # Unknown numbers come last whichever way.
        found.sort(key=lambda row: _key(row, position, descending))
    found.sort(key=lambda row: row.dimensions[0] == OTHER)
    return tuple(found)


def _key(row: Row, position: int, descending: bool) -> tuple[bool, float]:
    value = row.metrics[position]
    return value is None, 0.0 if value is None else -value if descending else value
