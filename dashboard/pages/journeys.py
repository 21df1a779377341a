"""
The journeys tab: the page in the middle, and what came right before and right after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from babel.core import Locale

from dashboard.charts import numbers
from dashboard.context import Context
from dashboard.pages.view import View
from dashboard.stats.answer import answer
from dashboard.stats.journey import Journey, Step, journey
from dashboard.stats.period import Period
from dashboard.stats.query import StatsQuery, Value, Viewer
from warehouse.registry.sites import Site

PAGES_OFFERED = 50
"""Pages to choose from; any other can be typed."""
STEPS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class StepLine:
    """
    One step as it is shown: `width` of its bar 0..100, `share` of the visitors who saw the page 0..1 or None.
    """

    kind: str
    name: str
    visitors: Value
    text: str
    full_text: str
    share: float | None
    width: int


@dataclass(frozen=True, slots=True)
class Way:
    """
    The steps of one direction, and how many there are altogether.
    """

    lines: tuple[StepLine, ...]
    total: int


@dataclass(frozen=True, slots=True)
class JourneyRows:
    """
    Everything the tab shows. `page` is empty where no page was seen; then there is nothing else.
    """

    page: str
    pages: tuple[str, ...]
    visitors: Value
    visitors_text: str
    before: Way
    after: Way


def journey_rows(
    context: Context, site: Site, view: View, period: Period, viewer: Viewer, locale: Locale, *, every: bool
) -> JourneyRows:
    """
    Answer the tab, for the chosen page, the filtered one or the one with most visitors.

    Raises:
        QueryError, QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    offered = StatsQuery(("visitors",), period, dimensions=("event:page",), limit=PAGES_OFFERED)
    # Unfiltered: what is offered is the site's pages, and any of them may be asked about.
    labels = [row.dimensions[0] for row in answer(context, site, offered, viewer).rows]
    pages = tuple(label for label in labels if label.startswith("/"))
    filtered = [value for key, value in view.filters if key == "page"]
    page = view.at or next(iter([*filtered, *pages]), "")
    if not page:
        return JourneyRows("", pages, None, numbers.WITHHELD, Way((), 0), Way((), 0))
    found = journey(context, site, period, page, view.conditions(), viewer)
    before, after = (_way(found, steps, locale, every) for steps in (found.before, found.after))
    return JourneyRows(page, pages, found.visitors, numbers.full(found.visitors, locale), before, after)


def _way(found: Journey, steps: tuple[Step, ...], locale: Locale, every: bool) -> Way:
    longest = max((step.visitors or 0 for step in steps if step.kind != "other"), default=0)
    lines = [
        StepLine(
            step.kind,
            step.name,
            step.visitors,
            numbers.short(step.visitors, locale),
            numbers.full(step.visitors, locale),
            min(1.0, step.visitors / found.visitors) if step.visitors is not None and found.visitors else None,
            0 if step.visitors is None or step.kind == "other" else max(1, round(100 * step.visitors / longest)),
        )
        for step in steps
    ]
    return Way(tuple(lines if every else lines[:STEPS_SHOWN]), len(lines))
