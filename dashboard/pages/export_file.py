"""
Everything a dashboard shows, as one file: a ZIP with the graph and every report of the present view as CSV.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace

from starlette.responses import Response

from dashboard.pages.asked import Asked
from dashboard.pages.details import file_text
from dashboard.pages.panels import PANELS
from dashboard.pages.rows import every_row
from dashboard.pages.series_file import series_text
from dashboard.pages.tabs import open_tab
from dashboard.pages.view import View
from dashboard.stats.query import QueryError

PROPS_MAX = 50
"""Properties and funnels that get a file each."""
_NOT_FILES = ("map", "journeys")
"""Tabs that show what another one holds, or nothing before a page is chosen."""


def export_file(asked: Asked) -> Response:
    """
    Answer a dashboard's address with `format=zip`. A report that does not go with the filters is left out.

    Raises:
        QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        series = series_text(asked.context, asked.site, asked.view, asked.period, asked.viewer)
        files.writestr("graph.csv", series)
        for name, view in _views(asked):
            try:
                tab, rows = every_row(
                    asked.context, asked.site, view, asked.period, asked.viewer, asked.locale, view.details
                )
            except QueryError:
                continue
            text = file_text([tab.filter_name, *tab.metrics], [[row.dimensions[0], *row.metrics] for row in rows])
            files.writestr(f"{name}.csv", text)
    name = f"{asked.site.domain}-{asked.period.first}-{asked.period.last}.zip".replace("/", "_")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(packed.getvalue(), media_type="application/zip", headers=headers)


def _views(asked: Asked) -> Iterator[tuple[str, View]]:
    for panel, shown in PANELS.items():
        for key in (key for key in shown.tabs if key not in _NOT_FILES):
            view = replace(asked.view.with_tab(panel, key), details=panel)
            if key not in ("props", "funnels"):
                yield f"{panel}-{key}", view
                continue
            opened = open_tab(asked.context, asked.site, view, asked.period, asked.viewer, panel)
            for number, prop in enumerate(opened.props[:PROPS_MAX], 1):
                # Names of properties and funnels may hold anything, so the file's name does not.
                yield f"{key}-{number}", replace(view, prop=prop)
