"""
What a dashboard says about daily totals taken over from another service.
"""

from __future__ import annotations

from dashboard.context import Context
from dashboard.pages.panels import mark
from dashboard.stats.imported import imported_totals
from dashboard.stats.period import Period
from dashboard.stats.query import StatsQuery
from warehouse.registry.sites import Site

WITH_IMPORTS = mark("With daily totals imported from another service.")
WITHOUT_IMPORTS = mark("Daily totals imported from another service are left out.")
NOT_WITH_FILTERS = mark(
    "Daily totals imported from another service are not in these numbers: they know neither these filters nor hours."
)
WHERE_KNOWN = mark("With daily totals imported from another service, where they know these filters.")
LEAVE_OUT, ADD = mark("Leave them out"), mark("Add them")


def imports_note(context: Context, site: Site, query: StatsQuery, period: Period) -> tuple[str, str]:
    """
    Say whether totals are in the numbers of a period, and what a link would change; empty where there are none.

    Args:
        query: what the headline numbers are asked by.
    """
    asked = StatsQuery(query.metrics, query.date_range, filters=query.filters, imports=True)
    _, meta = imported_totals(context.memory, context.warehouse, context.clock, site.id, asked, period, (), ())
    if meta.skipped in ("no_imported_data", "out_of_range"):
        return "", ""
    if not meta.included:
        return NOT_WITH_FILTERS, ""
    if not query.imports:
        return WITHOUT_IMPORTS, ADD
    return WHERE_KNOWN if query.filters else WITH_IMPORTS, LEAVE_OUT
