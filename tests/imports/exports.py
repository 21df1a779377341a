"""
ZIPs as a CSV export of daily totals has them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from dashboard.context import Context
from ingest.imports.importer import Importer
from ingest.imports.totals_reading import TotalsSite, TotalsTaken, read_totals
from warehouse.registry.sites import Site

DAYS = "20210101_20210131"
VISITORS = "date,visitors,pageviews,bounces,visits,visit_duration\n"
PAGES = (
    "date,hostname,page,visits,visitors,pageviews,total_scroll_depth,total_scroll_depth_visits,"
    "total_time_on_page,total_time_on_page_visits\n"
)
EXPORT: Mapping[str, str] = {
    f"imported_visitors_{DAYS}.csv": VISITORS + "2021-01-01,10,30,4,12,600\n2021-01-02,5,5,5,5,0\n",
    f"imported_sources_{DAYS}.csv": (
        '"date","source","referrer","utm_source","utm_medium","utm_campaign","utm_content","utm_term",'
        '"pageviews","visitors","visits","visit_duration","bounces"\n'
        '"2021-01-01","Google","google.com","","","","","",20,6,7,400,2\n'
        '"2021-01-01","","","","","","","",10,4,5,200,2\n'
        '"2021-01-02","google","","google","cpc","winter","ad","shoes",5,5,5,0,5\n'
    ),
    f"imported_pages_{DAYS}.csv": (
        PAGES + "2021-01-01,site1.test,/,8,8,15,400,8,80,8\n2021-01-01,site1.test,/a@b.se,3,3,15,0,0,0,0\n"
    ),
    f"imported_entry_pages_{DAYS}.csv": (
        "date,entry_page,visitors,entrances,visit_duration,bounces,pageviews\n2021-01-01,/,10,12,600,4,30\n"
    ),
    f"imported_exit_pages_{DAYS}.csv": (
        "date,exit_page,visitors,visit_duration,exits,bounces,pageviews\n2021-01-01,/buy,2,60,2,0,9\n"
    ),
    f"imported_custom_events_{DAYS}.csv": (
        "date,name,link_url,path,visitors,events\n"
        "2021-01-01,Signup,,,3,4\n"
        "2021-01-01,Outbound Link: Click,https://one.test/,,1,1\n"
        "2021-01-01,Outbound Link: Click,https://two.test/,,2,2\n"
    ),
    f"imported_locations_{DAYS}.csv": (
        "date,country,region,city,visitors,visits,visit_duration,bounces,pageviews\n"
        "2021-01-01,SE,SE-AB,2673730,9,11,600,4,29\n2021-01-01,,,0,1,1,0,0,1\n"
    ),
    f"imported_devices_{DAYS}.csv": (
        "date,device,visitors,visits,visit_duration,bounces,pageviews\n2021-01-01,Desktop,10,12,600,4,30\n"
    ),
    f"imported_browsers_{DAYS}.csv": (
        "date,browser,browser_version,visitors,visits,visit_duration,bounces,pageviews\n"
        "2021-01-01,Firefox,109.0,4,5,300,2,10\n2021-01-01,Firefox,110.0,6,7,300,2,20\n"
    ),
    f"imported_operating_systems_{DAYS}.csv": (
        "date,operating_system,operating_system_version,visitors,visits,visit_duration,bounces,pageviews\n"
        "2021-01-01,Mac,10.14,10,12,600,4,30\n"
    ),
}
"""Ten files of a site that its people left on the second of January 2021."""


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """
    Pack files.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def take_totals(importer: Importer, context: Context, site: Site, content: bytes, tmp_path: Path) -> TotalsTaken:
    """
    Import an export.
    """
    path = tmp_path / "export.zip"
    path.write_bytes(content)
    today = site.days.day_of(datetime.fromtimestamp(context.clock.now_ms() / 1000, UTC))
    target = TotalsSite(site.id, today, importer.first_counted(site.id), importer.listed(site.id))
    staged, taken = read_totals(importer.directory, path, target, path.name, lambda _what, _done, _total: None)
    if staged is not None:
        staged.release()
        lines, _ = importer.store_staged(site.id, staged.plan.number, lambda _done, _total: None)
        assert lines == taken.lines
    return taken
