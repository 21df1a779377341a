"""
How the rows of a panel changed against the period that is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from babel.core import Locale

from dashboard.pages.changes import Change, change_of
from dashboard.pages.panels import Tab
from dashboard.pages.row_lines import OVERFLOW, Line, metric_text
from dashboard.stats.dimensions import OTHER
from dashboard.stats.metrics import METRICS
from dashboard.stats.query import Row, Value

_MANY = frozenset({OTHER, OVERFLOW})
"""Rows that are many things together, and not the same ones in both periods."""


def with_changes(
    lines: Sequence[Line], before: Sequence[Row], all_known: bool, tab: Tab, locale: Locale
) -> tuple[Line, ...]:
    """
    Put beside each row's numbers how they changed.

    Args:
        before: the rows of the period that is compared with.
        all_known: these are all there were, so a row that is not among them was nothing; else it may be folded.
    """
    kept = {row.dimensions[0]: row.metrics for row in before}
    nothing = tuple(0 if name in METRICS and METRICS[name].form == "count" else None for name in tab.metrics)
    absent = nothing if all_known and not _MANY & kept.keys() else None
    return tuple(replace(line, changes=_changes(line, kept, absent, tab, locale)) for line in lines)


def _changes(
    line: Line,
    kept: Mapping[str, tuple[Value, ...]],
    absent: tuple[Value, ...] | None,
    tab: Tab,
    locale: Locale,
) -> tuple[Change, ...]:
    old = None if line.value in _MANY else kept.get(line.value, absent)
    if old is None:
        return (Change(),) * len(line.metrics)
    return tuple(
        change_of(name, now, before, metric_text(before, name, locale, line.currency), locale)
        for name, now, before in zip(tab.metrics, line.metrics, old, strict=True)
    )
