"""
The export of one site: a CSV file for each report, and the events of closed days without anything that tells visitors
apart.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.query import ROWS_MAX, StatsQuery
from dashboard.stats.reports import REPORTS
from warehouse.registry.sites import Site

_EVENT_COLUMNS = (
    *("day", "ts", "name", "hostname", "pathname", "interactive", "scroll_depth", "engagement_ms"),
    "toJSONString(props) AS props",
    *("revenue_amount", "revenue_currency", "referrer", "source", "channel"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
    *("country", "region", "city", "browser", "browser_version", "os", "os_version", "device"),
)
CSV_FORMAT = "CSVWithNames"


class ExportError(Exception):
    """
    Nothing was exported. The text is one sentence that says what to do.
    """


@dataclass(frozen=True, slots=True)
class ExportStep:
    """
    What is being written, and how many files are done, of how many.
    """

    what: str
    done: int
    total: int


def export_site(context: Context, domain: str, out: Path, closing_day: date) -> Iterator[ExportStep]:
    """
    Write every report over all time, as a signed-in person sees it, and a file of events for each month.

    Args:
        out: a directory that is not there yet, or empty.
        closing_day: the last day whose events are handed out.

    Raises:
        ExportError: no such site, or the directory holds something.
    """
    site = context.registry.sites.find(domain)
    if site is None:
        raise ExportError(f"there is no site {domain}: see `daysalt site list`")
    try:
        out.mkdir(mode=0o700, exist_ok=True)
        if any(out.iterdir()):
            raise ExportError(f"{out} holds something already: choose another directory")
    except OSError as error:
        raise ExportError(f"{out} cannot be made ({(error.strerror or '').lower()}): choose another place") from None
    months = context.warehouse.query(
        "SELECT DISTINCT toYYYYMM(day) FROM events WHERE site_id = {site:UInt32} AND day <= {last:Date} ORDER BY 1",
        {"site": site.id, "last": closing_day},
    )
    total = len(REPORTS) + 1 + len(months)
    done = 0
    for name, query in _questions():
        _write_report(context, site, out / f"{name}.csv", query)
        done += 1
        yield ExportStep("reports", done, total)
    for (month,) in months:
        _write_events(context, site, out / f"events-{month // 100}-{month % 100:02}.csv", int(month), closing_day)
        done += 1
        yield ExportStep("events", done, total)


def _questions() -> Iterator[tuple[str, StatsQuery]]:
    yield "days", StatsQuery(REPORTS[0].metrics, "all", dimensions=("time:day",))
    for report in REPORTS:
        names = tuple(dimension.name for dimension in report.dimensions)
        metrics = report.metrics
        if names:
            metrics = tuple(name for name in metrics if name != "views_per_visit")
        yield "+".join(names).replace(":", "-") or "total", StatsQuery(metrics, "all", dimensions=names)


def _write_report(context: Context, site: Site, path: Path, query: StatsQuery) -> None:
    with os.fdopen(_open(path), "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*query.dimensions, *query.metrics])
        offset = 0
        while True:
            result = answer(context, site, replace(query, offset=offset))
            writer.writerows([*row.dimensions, *row.metrics] for row in result.rows)
            if len(result.rows) < ROWS_MAX:
                return
            offset += ROWS_MAX


def _write_events(context: Context, site: Site, path: Path, month: int, last: date) -> None:
    with os.fdopen(_open(path), "wb") as file:
        # By time, not in the table's order, which lays a visitor's rows together.
        context.warehouse.copy_out(
            f"SELECT {', '.join(_EVENT_COLUMNS)} FROM events WHERE site_id = {{site:UInt32}}"  # noqa: S608 - our columns
            " AND toYYYYMM(day) = {month:UInt32} AND day <= {last:Date} ORDER BY day, ts, name, pathname",
            file.write,
            {"site": site.id, "month": month, "last": last},
            form=CSV_FORMAT,
        )


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
