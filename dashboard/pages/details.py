"""
Every row of one panel: searched, sorted, in pages, and as a file of exactly that.
"""

from __future__ import annotations

import csv
import io

from starlette.responses import Response

from dashboard.pages.asked import Asked, asked_rows, asked_visitors
from dashboard.pages.journeys import journey_rows
from dashboard.pages.rendering import page
from dashboard.pages.rows import DETAIL_ROWS, EVERY_ROW_MAX, every_row
from dashboard.pages.view import NAME_ORDER
from dashboard.stats.query import QueryError

PAGES_MAX = EVERY_ROW_MAX // DETAIL_ROWS


def details_page(asked: Asked, shared: dict[str, object]) -> Response:
    """
    Answer a dashboard's address with `details`.

    Args:
        shared: what every template of the dashboard is given.
    """
    given = asked.request.query_params.get("page", "1")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 1
    number = max(1, min(number, PAGES_MAX))
    visitors = asked_visitors(asked)
    rows = asked_rows(asked, asked.view.details, visitors, limit=DETAIL_ROWS, offset=(number - 1) * DETAIL_ROWS)
    by, descending = asked.view.order()
    if by != NAME_ORDER and by not in rows.tab.metrics:
        by, descending = rows.tab.metrics[0], True
    first = (number - 1) * DETAIL_ROWS + 1
    return page(
        asked.context, asked.request, asked.reader, "details.html",
        rows=rows, withheld=visitors is None, page_number=number, pages=max(1, -(-rows.total_rows // DETAIL_ROWS)),
        sites=asked.context.registry.sites.all() if asked.reader.user else [],
        sorted_by=by, descending=descending, first_row=first, last_row=first + len(rows.lines) - 1,
        can_arrange=rows.tab_key != "funnels" and rows.journey is None, **shared,
    )  # fmt: skip


def details_file(asked: Asked) -> Response:
    """
    Answer with all rows of the view as a file: its columns, its search, its order.

    Raises:
        QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    if asked.view.details == "pages" and asked.view.tab_of("pages") == "journeys":
        return _journey_file(asked)
    try:
        tab, rows = every_row(
            asked.context, asked.site, asked.view, asked.period, asked.viewer, asked.locale, asked.view.details
        )
    except QueryError as error:
        return Response(f"{error}\n", 400, media_type="text/plain; charset=utf-8")
    text = file_text([tab.filter_name, *tab.metrics], [[row.dimensions[0], *row.metrics] for row in rows])
    return _csv(asked, tab.filter_name, text)


def _journey_file(asked: Asked) -> Response:
    try:
        found = journey_rows(
            asked.context, asked.site, asked.view, asked.period, asked.viewer, asked.locale, every=True
        )
    except QueryError as error:
        return Response(f"{error}\n", 400, media_type="text/plain; charset=utf-8")
    rows = [
        [found.page, way, line.kind, line.name, line.visitors]
        for way, lines in (("before", found.before.lines), ("after", found.after.lines))
        for line in lines
    ]
    return _csv(asked, "journeys", file_text(["page", "way", "kind", "step", "visitors"], rows))


def _csv(asked: Asked, what: str, text: str) -> Response:
    name = f"{asked.site.domain}-{what}-{asked.period.first}-{asked.period.last}.csv".replace("/", "_")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def file_text(header: list[str], rows: list[list[str | int | float | None]]) -> str:
    """
    Write a CSV file; a number that is withheld or has no value is empty.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: str | int | float | None) -> str | int | float:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        # An apostrophe keeps spreadsheets from running what a visitor put into an address.
        return f"'{value}"
    return "" if value is None else value
