"""
The export holds every report and the events of closed days, and nothing that tells visitors apart.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from dashboard.context import Context
from dashboard.stats.reports import REPORTS
from daysalt.export import ExportError, export_site
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

CLOSED = date(2026, 5, 8)


def exported(context: Context, out: Path) -> Site:
    site = context.registry.sites.add("out.test")
    insert(
        context.warehouse,
        site.id,
        [
            Happening(moment("2026-05-08T10:00:00"), who="u", page="/a", attributes={"country": "SE"}),
            Happening(moment("2026-05-08T10:05:00"), who="u", page='/b,"c', props={"plan": "pro"}),
            Happening(moment("2026-05-09T10:00:00"), who="v", page="/open"),
        ],
    )
    assert len(list(export_site(context, "out.test", out, CLOSED))) == len(REPORTS) + 2
    return site


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_every_report_has_a_file(context: Context, tmp_path: Path) -> None:
    """
    One file for each report, with a line of names above its rows.
    """
    exported(context, tmp_path / "out")

    pages = rows_of(tmp_path / "out" / "event-page.csv")
    assert ["event:page", "visitors", "visits", "pageviews", "events"] == pages[0][:5]
    assert {"/a", '/b,"c', "/open"} == {row[0] for row in pages[1:]}


def test_rare_countries_stay_folded(context: Context, tmp_path: Path) -> None:
    """
    The gate stands before the export too.
    """
    exported(context, tmp_path / "out")

    assert ["(other)"] == [row[0] for row in rows_of(tmp_path / "out" / "visit-country.csv")[1:]]


def test_events_are_of_closed_days_and_name_nobody(context: Context, tmp_path: Path) -> None:
    """
    Neither an id nor a day that is still open leaves the store.
    """
    exported(context, tmp_path / "out")
    path = tmp_path / "out" / "events-2026-05.csv"
    names, *rows = rows_of(path)

    assert {"2026-05-08"} == {row[0] for row in rows}
    assert 2 == len(rows)
    assert not {"visitor_id", "visit_id", "seq", "batch"} & set(names)
    ids = context.warehouse.query("SELECT toString(arrayJoin([visitor_id, visit_id])) FROM events")
    assert not [one for (one,) in ids if one in path.read_text(encoding="utf-8")]
    assert 0o600 == path.stat().st_mode & 0o777


def test_a_full_directory_is_left_alone(context: Context, tmp_path: Path) -> None:
    """
    Nothing is written among other files.
    """
    context.registry.sites.add("out.test")
    (tmp_path / "other").write_text("mine")

    with pytest.raises(ExportError, match="holds something already"):
        list(export_site(context, "out.test", tmp_path, CLOSED))
