"""
Imports into days that are over and answered from rollups: exact as soon as the import is answered, or removed.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from dashboard.context import Context
from daysalt.closer import Closer
from ingest.imports.importer import Importer
from tests.clocks import FakeClock
from tests.imports.importing import line, ndjson, take_in
from tests.stats.asking import ask_http
from warehouse.client import Warehouse
from warehouse.registry.sites import Site

FIRST = ndjson([line(f"2021-01-0{day}T10:00:00Z", attrs={"source": "Google"}) for day in (1, 2, 3)])
SECOND = ndjson([line("2021-01-02T11:00:00Z", visitor="u2"), line("2021-01-02T11:10:00Z", visitor="u2", page="/b")])


def test_closed_days_stay_exact(
    context: Context, site: Site, warehouse: Warehouse, clock: FakeClock, tmp_path: Path
) -> None:
    """
    After each import into a closed day, and after one is taken out again, the answer has every event once.
    """
    resting = threading.Lock()
    closer = Closer(warehouse, context.registry, clock, resting=resting, caught_up_ms=clock.now_ms)
    importer = Importer(tmp_path, warehouse, clock, resting=resting, changed=closer.changed)
    _, key = context.registry.keys.add("all")

    def figures() -> list[Any]:
        question = {"site_id": "site1.test", "metrics": ["visitors", "visits", "pageviews"], "date_range": "all"}
        answer = ask_http(context, "POST", "/api/v2/query", key=key, json=question).json()
        return answer["results"][0]["metrics"]

    take_in(importer, site, FIRST)
    closer.look()
    closed = figures()
    again = take_in(importer, site, SECOND)
    added = figures()
    closer.look()
    importer.remove(site.id, again["id"])

    assert ([3, 3, 3], [4, 4, 5], [3, 3, 3]) == (closed, added, figures())
    assert 0 < warehouse.query("SELECT count() FROM rollup_builds")[0][0]
