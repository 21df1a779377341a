"""
The graph as a file: every metric by the interval that is shown.
"""

from __future__ import annotations

import csv
import io

from starlette.responses import Response

from dashboard.context import Context
from dashboard.pages.intervals import chosen_interval
from dashboard.pages.metric_choice import metric_choice
from dashboard.pages.view import View
from dashboard.stats.answer import answer
from dashboard.stats.period import Period
from dashboard.stats.query import QueryError, StatsQuery, StatsResult, Viewer
from warehouse.registry.sites import Site


def series_file(context: Context, site: Site, view: View, period: Period, viewer: Viewer) -> Response:
    """
    Answer with the graph as a file.

    Raises:
        QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    name = f"{site.domain}-{period.first}-{period.last}.csv".replace("/", "_")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    text = series_text(context, site, view, period, viewer)
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def series_text(context: Context, site: Site, view: View, period: Period, viewer: Viewer) -> str:
    """
    Write one line per bucket that has events, oldest first; a number that is withheld or has no value is empty.

    Raises:
        QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    time = f"time:{chosen_interval(view, period)}"
    found: list[tuple[str, StatsResult]] = []
    for metric in metric_choice(view, context.registry.goals.all(site.id)).drawable:
        query = StatsQuery((metric,), period, dimensions=(time,), filters=view.conditions(), imports=view.imports)
        try:
            found.append((metric, answer(context, site, query, viewer)))
        except QueryError:
            # This metric does not go with the filters: its column is left out.
            continue
    columns = [{row.dimensions[0]: row.metrics[0] for row in result.rows} for _, result in found]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([time, *(metric for metric, _ in found)])
    for label in sorted({label for column in columns for label in column}):
        values = [column.get(label) for column in columns]
        writer.writerow([label, *("" if value is None else value for value in values)])
    return out.getvalue()
