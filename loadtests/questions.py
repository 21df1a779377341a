"""
The rows on questions: a year of one site, every panel of its dashboard, by both plans.

`python -m loadtests.questions EVENTS` builds the rows in a store of its own, closes all days but the last, asks, and
prints what each took; it is a process of its own, as the engine wants one for itself.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from dashboard.context import Context
from dashboard.pages.panels import PANELS
from dashboard.rollups.build import RollupSite, build_days
from dashboard.stats.answer import answer
from dashboard.stats.query import Filter, StatsQuery
from loadtests.made_rows import make_rows
from loadtests.measured import Measured
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.migrate import migrate
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.settings import load_settings

DAYS = 396
"""Twelve full months before this one, and this one, whatever its day."""
ROUNDS = 3
HEADLINE = ("visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration")
FILTERS = {
    "page": Filter("is", "event:page", ("/page/3",)),
    "source": Filter("is", "visit:source", ("Source 3",)),
    "country": Filter("is", "visit:country", ("SE",)),
}
BUILD_SECONDS_MAX = 5_400


def panel_questions(date_range: str, filters: tuple[Filter, ...] = ()) -> dict[str, StatsQuery]:
    """
    Everything a dashboard asks: the numbers, the graph, and every tab of every panel.
    """
    by_page = any(one.dimension == "event:page" for one in filters)
    metrics = tuple(name for name in HEADLINE if not (by_page and name == "views_per_visit"))
    asked = {"numbers": StatsQuery(metrics, date_range, filters=filters)}
    asked["graph"] = StatsQuery(("visitors",), date_range, dimensions=("time",), filters=filters, time_labels=True)
    for panel in PANELS.values():
        for name, tab in panel.tabs.items():
            asked[name] = StatsQuery(
                tab.metrics, date_range, dimensions=(tab.dimension,), filters=filters, limit=8, total_rows=True
            )
    return asked


def ask_all(context: Context, site: Site, asked: dict[str, StatsQuery]) -> dict[str, float]:
    """
    Ask each question some times.

    Returns:
        The median of each, milliseconds.
    """
    took: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, query in asked.items():
            began = time.perf_counter()
            answer(context, site, query)
            took[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(found) for name, found in took.items()}


def measure(events: int, directory: Path) -> dict[str, object]:
    """
    Build a year, and ask.
    """
    clock = SystemClock()
    warehouse = Warehouse(f"chdb://{directory / 'warehouse'}", read_settings={"max_execution_time": 300})
    migrate(warehouse, clock)
    registry = Registry(f"sqlite:///{directory / 'registry.sqlite'}", clock)
    context = Context(warehouse, registry, clock, load_settings({"DAYSALT_DATA_DIR": str(directory)}))
    site = registry.sites.add("site1.test")
    today = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).date()
    first = today - timedelta(days=DAYS - 1)
    found: dict[str, object] = {}
    began = time.monotonic()
    make_rows(warehouse, site.id, events, first, DAYS)
    found["rows built in s"] = round(time.monotonic() - began)
    _say(found)
    began = time.monotonic()
    for table in ("events", "visits"):
        warehouse.command(f"OPTIMIZE TABLE {table} FINAL")
    found["merged in s"] = round(time.monotonic() - began)
    _say(found)
    by_rows = {name: ask_all(context, site, panel_questions(name)) for name in ("30d", "12mo")}
    found["by rows"] = {name: _sums(one) for name, one in by_rows.items()}
    _say(found)
    filtered = {name: ask_all(context, site, panel_questions("30d", (one,))) for name, one in FILTERS.items()}
    found["one filter, 30d"] = {name: _sums(one) for name, one in filtered.items()}
    _say(found)
    began = time.monotonic()
    build_days(warehouse, clock, RollupSite(site.id, site.days, ()), first, today - timedelta(days=1))
    found["rollups built in s"] = round(time.monotonic() - began)
    for table in ("rollups", "rollup_overlaps", "rollup_builds"):
        warehouse.command(f"OPTIMIZE TABLE {table} FINAL")
    found["unfiltered"] = {
        name: _sums(ask_all(context, site, panel_questions(name))) for name in ("30d", "12mo", "day")
    }
    weights = warehouse.query(
        "SELECT table, sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = currentDatabase()"
        " GROUP BY table ORDER BY 2 DESC"
    )
    found["bytes"] = {str(table): int(size) for table, size, _ in weights if size > 100_000}
    found["events"] = int(warehouse.query("SELECT count() FROM events")[0][0])
    warehouse.close()
    registry.close()
    return found


def unfiltered(events: int) -> Measured:
    """
    Measure all panels of the unfiltered dashboard; the slower of 30 days and 12 months counts.

    Raises:
        RuntimeError: the rows could not be built or asked.
    """
    with tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DAYSALT_")}
        command = [sys.executable, "-m", "loadtests.questions", str(events), name]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS_MAX
        )
        if done.returncode != 0:
            raise RuntimeError(f"questions ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    totals = [found["unfiltered"][name]["total ms"] for name in ("30d", "12mo")]
    figures = "; ".join(f"{key} {json.dumps(value)}" for key, value in found.items())
    return Measured(max(totals), figures.replace('"', ""), None)


ten_million = partial(unfiltered, 10_000_000)
hundred_million = partial(unfiltered, 100_000_000)


def _sums(took: dict[str, float]) -> dict[str, object]:
    slowest = max(took, key=lambda name: took[name])
    return {"total ms": round(sum(took.values())), "slowest": slowest, "slowest ms": round(took[slowest])}


def _say(found: dict[str, object]) -> None:
    print(json.dumps(found), file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), Path(sys.argv[2]))))
