"""
A site that is deleted leaves nothing: no row in any table of the store or the registry, no file, and what was under way
does not bring it back.
"""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from dashboard.context import Context
from dashboard.site_changes import remove_site, reset_site
from daysalt.closer import Closer
from ingest.imports.importer import Importer
from tests.clocks import FakeClock
from tests.imports.importing import line, ndjson, take_in
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment
from warehouse.client import Warehouse
from warehouse.imports import ImportRefused
from warehouse.registry.schema import FUNNEL_STEPS, METADATA
from warehouse.registry.sites import Site

LINES = ndjson([line("2026-11-20T10:00:00Z", f"u{number}") for number in range(6)])


def site_tables(warehouse: Warehouse) -> list[str]:
    """
    List the store's tables with rows of a site, as the store itself knows them.
    """
    found = warehouse.query(
        "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'site_id' ORDER BY 1"
    )
    return [str(table) for (table,) in found]


def stored(warehouse: Warehouse, site: Site) -> dict[str, int]:
    """
    Count the site's rows in each table of the store.
    """
    return {
        table: int(
            warehouse.query(
                f"SELECT count() FROM {table} WHERE site_id = {{site:UInt32}}",
                {"site": site.id},
            )[0][0]
        )
        for table in site_tables(warehouse)
    }


def registered(tmp_path: Path, site: Site) -> dict[str, int]:
    """
    Count the site's rows in each table of the registry.
    """
    engine = create_engine(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    with engine.connect() as connection:
        found = {
            name: connection.execute(
                select(func.count()).select_from(table).where(table.c.site_id == site.id)
            ).scalar_one()
            for name, table in METADATA.tables.items()
            if "site_id" in table.c
        }
        found["sites"] = connection.execute(
            select(func.count()).select_from(METADATA.tables["sites"]).where(METADATA.tables["sites"].c.id == site.id)
        ).scalar_one()
        found["funnel_steps"] = connection.execute(select(func.count()).select_from(FUNNEL_STEPS)).scalar_one()
    engine.dispose()
    return found


def full_site(context: Context, warehouse: Warehouse, domain: str) -> Site:
    """
    A site with something in every table of the store and of the registry.
    """
    registry = context.registry
    site = registry.sites.add(domain)
    for table in site_tables(warehouse):
        warehouse.insert(table, {"site_id": [site.id]})
    insert(warehouse, site.id, [Happening(moment("2026-11-20T10:00:00"))])
    registry.sites.change(domain, timezone="Europe/Stockholm", shields={"ip": ["192.0.2.7"]})
    goals = [registry.goals.add(site.id, kind="event", event_name=name) for name in ("Kundvagn", "Kassa")]
    registry.funnels.add(site.id, "Köp", [goal.id for goal in goals])
    registry.properties.add(site.id, "plan")
    segment = registry.segments.add(site.id, "Norrmän", [["is", "visit:country", ["NO"]]])
    registry.shared_links.add(site.id, "Styrelsen", segment_id=segment.id)
    registry.annotations.add(site.id, "2026-11-20", f"Start of {domain}")
    registry.keys.add("stats", site=domain)
    return site


@pytest.mark.parametrize("way", ["api", "page"])
def test_a_deleted_site_leaves_no_row(
    context: Context, warehouse: Warehouse, clock: FakeClock, tmp_path: Path, way: str
) -> None:
    """
    Whichever way it goes: every table had a row of it and has none, and another site keeps all of its own.
    """
    other, site = full_site(context, warehouse, "stays.test"), full_site(context, warehouse, "goes.test")
    before, kept = registered(tmp_path, site), stored(warehouse, other)
    assert 0 not in stored(warehouse, site).values() and 0 not in before.values(), before
    kept_registered = {**registered(tmp_path, other), "funnel_steps": 2}
    if way == "api":
        _, key = context.registry.keys.add("sites")
        assert 200 == ask_http(context, "DELETE", "/api/v1/sites/goes.test", key=key).status_code
    else:
        remove_site(context, site)

    assert {0} == set(stored(warehouse, site).values())
    assert {0} == {count for name, count in registered(tmp_path, site).items() if name != "funnel_steps"}
    assert (kept, kept_registered) == (stored(warehouse, other), registered(tmp_path, other))
    context.registry.close()
    held = (tmp_path / "registry.sqlite").read_bytes()
    assert (True, False) == (b"Start of stays.test" in held, b"Start of goes.test" in held)


def test_a_reset_site_keeps_only_its_settings_and_the_vault(
    context: Context, warehouse: Warehouse, tmp_path: Path
) -> None:
    """
    Statistics go from every table; addresses serve another purpose and end by their own date.
    """
    site = full_site(context, warehouse, "goes.test")
    before = registered(tmp_path, site)
    reset_site(context, site)

    assert {"vault": 1} == {table: count for table, count in stored(warehouse, site).items() if count}
    assert before == registered(tmp_path, site)


def importer_of(context: Context, tmp_path: Path) -> Importer:
    return Importer(
        *(tmp_path, context.warehouse, context.clock),
        resting=threading.Lock(),
        site_exists=lambda site_id: context.registry.sites.by_id(site_id) is not None,
    )


def test_an_import_under_way_is_let_go(context: Context, site: Site, tmp_path: Path) -> None:
    """
    The site goes while its file is read: nothing is stored, and the staging directory is gone. The control stays, and
    has its rows.
    """
    importer = importer_of(context, tmp_path)
    assert 6 == take_in(importer, context.registry.sites.add("stays.test"), LINES)["imported"]
    receiving = importer.begin(site)
    assert receiving is not None
    receiving.feed(LINES)
    remove_site(context, site)
    with pytest.raises(ImportRefused, match="was removed"):
        receiving.finish()

    assert {0} == set(stored(context.warehouse, site).values())
    assert [] == list((tmp_path / "imports").iterdir())


def test_an_import_that_ends_after_its_site_is_taken_back(
    context: Context, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The site goes after its rows began to come: those that came behind the deletion go, too.
    """
    importer = importer_of(context, tmp_path)
    asked: list[int] = []

    def gone_the_second_time(site_id: int) -> bool:
        asked.append(site_id)
        return len(asked) < 2

    monkeypatch.setattr(importer, "_site_exists", gone_the_second_time)
    with pytest.raises(ImportRefused, match="was removed"):
        take_in(importer, site, LINES)

    assert {0} == set(stored(context.warehouse, site).values())


def test_the_closer_brings_no_site_back(
    context: Context, site: Site, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The site goes while the closer counts its days: what it writes afterwards is deleted in the same round or the next.
    """
    take_in(importer_of(context, tmp_path), site, LINES)
    clock.wall_ms = round(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1000)
    resting = threading.Lock()
    closer = Closer(context.warehouse, context.registry, clock, resting=resting, caught_up_ms=lambda: 2**62)
    rebuild = closer.rebuild

    def removed_first(site: Site, first: date, last: date) -> int:
        remove_site(context, site)
        return rebuild(site, first, last)

    monkeypatch.setattr(closer, "rebuild", removed_first)
    closer.look()
    context.warehouse.insert("rollups", {"site_id": [site.id]})  # by a batch that was under way
    closer.look()

    assert {0} == set(stored(context.warehouse, site).values())
