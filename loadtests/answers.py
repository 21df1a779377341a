"""
How long answers take: a year of one big site, every panel of its dashboard, by both plans.

`python -m loadtests.answers build EVENTS DIRECTORY` makes rows and rollups in a store of its own, `ask DIRECTORY` asks
and prints what each question took; `ask DIRECTORY panels filters page rows` names what to ask. Each is a process of its
own, as the engine wants one for itself; `build` may work beside others, `ask` wants the machine for itself.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from dashboard.context import Context
from dashboard.pages.panels import PANELS
from dashboard.pages.row_lines import EXIT_RATE
from dashboard.pages.row_rates import asked_metrics
from dashboard.rollups.build import RollupSite, build_days
from dashboard.rollups.months import add_months
from dashboard.stats.answer import answer
from dashboard.stats.memory import Memory
from dashboard.stats.query import Filter, StatsQuery
from dashboard.stats.together import remember_together
from loadtests.made_rows import make_rows
from loadtests.measured import Measured
from loadtests.paint import paint
from warehouse.client import READ_SETTINGS, Warehouse
from warehouse.clock import Clock, SystemClock
from warehouse.migrate import migrate
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.settings import load_settings

DAYS = 396
"""Twelve full months before this one, and this one, whatever its day."""
ROUNDS = 5
PERIODS = ("30d", "12mo", "day")
PAGE_PERIODS = ("28d", "12mo", "day")
"""What pages are opened with: they know no period of 30 days."""
ODD_DAYS = (45, 13)
"""How many days ago a range begins and ends that nothing was added up for."""
DOMAIN = "site1.test"
HEADLINE = ("visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration")
FILTERS = {
    "page": Filter("is", "event:page", ("/page/3",)),
    "source": Filter("is", "visit:source", ("Source 7",)),
    "country": Filter("is", "visit:country", ("SE",)),
}
EXIT_PAGES = tuple(f"/page/{number}" for number in range(1, 9))
BYTES_PER_EVENT = 40
"""Rows, rollups and what merges need beside them, with room."""
STEP_SECONDS_MAX = 5_400
Read = TypeVar("Read")


class BuiltClock(SystemClock):
    """
    The machine's clock, put back by whole days to the last day of the rows: a store that is kept does not grow old.
    """

    def __init__(self, last: date) -> None:
        self._behind_ms = (datetime.now(UTC).date() - last).days * 86_400_000

    def now_ms(self) -> int:
        return super().now_ms() - self._behind_ms


class RowsOnly(Memory):
    """
    A memory that knows of no rollups, so that everything is counted from rows.
    """

    def fact(
        self, warehouse: Warehouse, clock: Clock, tables: tuple[str, ...], key: Hashable, read: Callable[[], Read]
    ) -> Read:
        return cast("Read", None) if "rollup_month_builds" in tables else read()


def panel_questions(date_range: str | tuple[str, str], filters: tuple[Filter, ...] = ()) -> dict[str, StatsQuery]:
    """
    Everything a dashboard asks: the numbers, the graph, and every tab of every panel that has a dimension of its own.
    """
    by_page = any(one.dimension == "event:page" for one in filters)
    metrics = tuple(name for name in HEADLINE if not (by_page and name == "views_per_visit"))
    asked = {"numbers": StatsQuery(metrics, date_range, filters=filters)}
    asked["graph"] = StatsQuery(("visitors",), date_range, dimensions=("time",), filters=filters, time_labels=True)
    for panel in PANELS.values():
        for name, tab in panel.tabs.items():
            if tab.dimension:
                asked[name] = StatsQuery(
                    asked_metrics(tab),
                    date_range,
                    dimensions=(tab.dimension,),
                    filters=filters,
                    limit=8,
                    total_rows=True,
                )
            if EXIT_RATE in tab.metrics:
                # What it is measured against: the views of those pages.
                asked[f"{name} rate"] = StatsQuery(
                    ("pageviews",), date_range, dimensions=("event:page",), filters=filters, only=EXIT_PAGES
                )
    return asked


def build(events: int, directory: Path) -> dict[str, object]:
    """
    Make a year of rows of one site, and the rollups of all days but the last.

    Raises:
        RuntimeError: the disk has no room for so many.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(directory).free < events * BYTES_PER_EVENT:
        raise RuntimeError(f"{events:,} events want {events * BYTES_PER_EVENT / 1e9:.1f} GB free in {directory}")
    warehouse, registry, context = _opened(directory)
    migrate(warehouse, context.clock)
    site = registry.sites.add(DOMAIN)
    registry.goals.add(site.id, kind="event", event_name="Signup")
    registry.goals.add(site.id, kind="page", page_path="/page/7", display_name="Read page 7")
    today = _today(context)
    first = today - timedelta(days=DAYS - 1)
    found: dict[str, object] = {"last day": today.isoformat()}
    began = time.monotonic()
    for made in make_rows(warehouse, site.id, events, first, DAYS):
        print(f"\r{made.done:,} of {made.total:,} events", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    found["rows built in s"] = round(time.monotonic() - began)
    began = time.monotonic()
    for table in ("events", "visits"):
        warehouse.command(f"OPTIMIZE TABLE {table} FINAL")
    found["merged in s"] = round(time.monotonic() - began)
    began = time.monotonic()
    build_days(
        warehouse,
        context.clock,
        RollupSite(site.id, site.days, tuple(registry.goals.all(site.id))),
        first,
        today - timedelta(days=1),
    )
    found["rollups built in s"] = round(time.monotonic() - began)
    began = time.monotonic()
    add_months(warehouse, context.clock, site.id, quiet_ms=0)
    found["months added up in s"] = round(time.monotonic() - began)
    for table in ("rollups", "rollup_overlaps", "rollup_builds", "rollup_months", "rollup_month_builds"):
        warehouse.command(f"OPTIMIZE TABLE {table} FINAL")
    weights = warehouse.query(
        "SELECT table, sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = currentDatabase()"
        " GROUP BY table ORDER BY 2 DESC"
    )
    found["rows"] = {str(table): int(rows) for table, _, rows in weights if rows > 1000}
    found["MB"] = {str(table): round(size / 1e6) for table, size, _ in weights if size > 500_000}
    warehouse.close()
    registry.close()
    (directory / "built.json").write_text(json.dumps(found))
    return found


def ask(directory: Path, parts: Sequence[str] = ()) -> dict[str, object]:
    """
    Ask everything, in milliseconds: each question's median over `ROUNDS`, with the store warm and nothing remembered,
    one by one and with what goes together by one statement first; then with what was remembered, with filters, the page
    in a browser, and by rows, once.

    Args:
        parts: only these of `PARTS`.
    """
    warehouse, registry, context = _opened(directory)
    site = registry.sites.find(DOMAIN)
    assert site is not None
    found: dict[str, object] = {}
    for part in parts or PARTS:
        found.update(PARTS[part](context, site))
    warehouse.close()
    registry.close()
    return found


def _ask_panels(context: Context, site: Site) -> dict[str, object]:
    found: dict[str, object] = {}
    ranges = {**{name: panel_questions(name) for name in PERIODS}, "odd range": panel_questions(_odd_range(context))}
    for name, asked in ranges.items():
        found[f"unfiltered {name}"] = _sums(_ask_all(context, site, asked, ROUNDS))
        found[f"together {name}"] = _sums(_ask_all(context, site, asked, ROUNDS, together=True))
    for name in ("30d", "12mo"):
        found[f"again {name}"] = _sums(_ask_all(context, site, ranges[name], ROUNDS, forgetting=False))
    return found


def _ask_filters(context: Context, site: Site) -> dict[str, object]:
    return {
        f"{name} 30d": _sums(_ask_all(context, site, panel_questions("30d", (one,)), 1))
        for name, one in FILTERS.items()
    }


def _open_page(context: Context, _site: Site) -> dict[str, object]:
    try:
        return {f"opened {period}": figures for period, figures in paint(context, DOMAIN, PAGE_PERIODS).items()}
    except ImportError:
        return {"opened": "not at all: no Playwright here"}


def _ask_rows(context: Context, site: Site) -> dict[str, object]:
    assert context.warehouse.path is not None
    url = f"chdb://{context.warehouse.path}"
    patient = Warehouse(url, read_settings={**READ_SETTINGS, "max_execution_time": 300})
    by_rows = Context(patient, context.registry, context.clock, context.settings, memory=RowsOnly())
    found: dict[str, object] = {}
    for name in ("30d", "12mo"):
        found[f"by rows {name}"] = _sums(_ask_all(by_rows, site, panel_questions(name), 1, forgetting=False))
    patient.close()
    return found


PARTS = {"panels": _ask_panels, "filters": _ask_filters, "page": _open_page, "rows": _ask_rows}
"""What `ask` asks."""


def unfiltered(events: int) -> Measured:
    """
    Build and measure all panels of the unfiltered dashboard; the slower of 30 days and 12 months counts.

    Raises:
        RuntimeError: the rows could not be built or asked.
    """
    kept = os.environ.get("ANSWERS_DIR", "")
    with tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name:
        directory = Path(kept) / str(events) if kept else Path(name)
        if not (directory / "built.json").exists():
            _step("build", str(events), str(directory))
        found = {**json.loads((directory / "built.json").read_text()), **_step("ask", str(directory))}
    # A page asks what goes together by one statement.
    totals = [float(found[f"together {name}"]["total ms"]) for name in ("30d", "12mo")]
    figures = "; ".join(f"{key} {json.dumps(value)}" for key, value in found.items())
    return Measured(max(totals), figures.replace('"', ""), None)


ten_million = partial(unfiltered, 10_000_000)
hundred_million = partial(unfiltered, 100_000_000)


def _step(*arguments: str) -> dict[str, dict[str, float]]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DAYSALT_")}
    command = [sys.executable, "-m", "loadtests.answers", *arguments]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=STEP_SECONDS_MAX
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def _ask_all(
    context: Context,
    site: Site,
    asked: dict[str, StatsQuery],
    rounds: int,
    *,
    forgetting: bool = True,
    together: bool = False,
) -> dict[str, float]:
    took: dict[str, list[float]] = {name: [] for name in (("together",) if together else ()) + tuple(asked)}
    here = context
    if not forgetting and rounds > 1:
        for query in asked.values():
            answer(here, site, query)
    for _ in range(rounds):
        if forgetting:
            here = Context(context.warehouse, context.registry, context.clock, context.settings)
        if together:
            began = time.perf_counter()
            remember_together(here, site, list(asked.values()))
            took["together"].append((time.perf_counter() - began) * 1000)
        for name, query in asked.items():
            began = time.perf_counter()
            answer(here, site, query)
            took[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(found) for name, found in took.items()}


def _opened(directory: Path) -> tuple[Warehouse, Registry, Context]:
    built = directory / "built.json"
    clock = (
        BuiltClock(date.fromisoformat(json.loads(built.read_text())["last day"])) if built.exists() else SystemClock()
    )
    warehouse = Warehouse(_url(directory))
    registry = Registry(f"sqlite:///{directory / 'registry.sqlite'}", clock)
    settings = load_settings({"DAYSALT_DATA_DIR": str(directory)})
    return warehouse, registry, Context(warehouse, registry, clock, settings)


def _url(directory: Path) -> str:
    return f"chdb://{directory / 'warehouse'}"


def _today(context: Context) -> date:
    return datetime.fromtimestamp(context.clock.now_ms() / 1000, UTC).date()


def _odd_range(context: Context) -> tuple[str, str]:
    first, last = ((_today(context) - timedelta(days=days)).isoformat() for days in ODD_DAYS)
    return first, last


def _sums(took: dict[str, float]) -> dict[str, object]:
    panels = {name: ms for name, ms in took.items() if name != "together"}
    slowest = max(panels, key=lambda name: panels[name])
    together = {"together ms": round(took["together"])} if "together" in took else {}
    return {
        "total ms": round(sum(took.values())),
        **together,
        "slowest": slowest,
        "slowest ms": round(took[slowest]),
        "questions": len(panels),
    }


if __name__ == "__main__":
    step, *given = sys.argv[1:]
    done = build(int(given[0]), Path(given[1])) if step == "build" else ask(Path(given[0]), given[1:])
    print(json.dumps(done))
