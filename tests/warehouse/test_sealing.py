"""
Sealing: the numbers stay, the ids, the seconds and the rare go; a crash at any step is healed.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.stats.rows import Happening, insert, moment
from warehouse.client import Warehouse
from warehouse.sealing import seal as seal_module
from warehouse.sealing.seal import Sealed, SealError, resume_sealing, seal_day
from warehouse.sealing.statements import CITY_FOLDED, FOLDED, STAGED

DAY = date(2026, 11, 20)
K = 5
PAGES = ("/", "/a", "/b", "/c")


def some_day(seed: int, visitors: int = 60) -> list[Happening]:
    """
    A day of random visits; a few cities and versions are rare.
    """
    drawn = random.Random(seed)
    found: list[Happening] = []
    for number in range(visitors):
        attributes: dict[str, str | int] = {
            "country": drawn.choice(("SE", "DE")),
            "city": drawn.choice((1, 1, 1, 2, 2, 100 + number)),
            "browser": "Firefox",
            "browser_version": drawn.choice(("140", "141", f"9{number}")),
            "os": "Linux",
            "os_version": "",
            "source": drawn.choice(("", "Search")),
        }
        at = moment("2026-11-20T00:00:10") + timedelta(seconds=drawn.randrange(80_000))
        for _ in range(drawn.randint(1, 6)):
            at += timedelta(seconds=drawn.randrange(1, 3000))
            if at.date() == DAY:
                name = drawn.choice(("pageview", "pageview", "Signup"))
                found.append(Happening(at, f"v{number}", name, drawn.choice(PAGES), attributes=attributes))
    return [*found, Happening(moment("2026-11-20T13:07:22"), signal=True)]


def totals(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """
    What unfiltered questions ask of a day: by hour, page, source, country, entry and exit.
    """
    where = "site_id = 1"
    rows: list[tuple[Any, ...]] = []
    for column in ("1", "toHour(ts)", "pathname", "source", "country", "name"):
        rows += warehouse.query(
            f"SELECT toString({column}) AS c, count(), uniqExact(visitor_id), uniqExact(visit_id) FROM events "
            f"WHERE {where} GROUP BY c ORDER BY c"
        )
    for column in ("1", "toHour(start)", "entry.3", "exit.3", "source"):
        rows += warehouse.query(
            f"SELECT toString({column}) AS c, count(), uniqExact(visitor_id), sum(toUnixTimestamp(end) - "
            f"toUnixTimestamp(start)), sum(pageviews), sum(events), sum(pageviews = 1) FROM visits FINAL "
            f"WHERE {where} GROUP BY c ORDER BY c"
        )
    return rows


def funnels(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """
    The pages of every visit in order.
    """
    return warehouse.query(
        "SELECT groupArray(pathname) AS pages FROM (SELECT visit_id, pathname FROM events WHERE site_id = 1 "
        "AND visit_id != 0 ORDER BY visit_id, ts, seq) GROUP BY visit_id ORDER BY pages"
    )


def sealed(warehouse: Warehouse, state: Path, **arguments: Any) -> Sealed:
    return seal_day(warehouse, state, site_id=1, day=DAY, k=K, **arguments)


@pytest.mark.parametrize("seed", range(6))
def test_numbers_stay_equal_to_the_unit(warehouse: Warehouse, tmp_path: Path, seed: int) -> None:
    """
    On random days every unfiltered number, the length of every visit and the order of its pages stay what they were.
    """
    insert(warehouse, 1, some_day(seed))
    insert(warehouse, 2, some_day(seed + 100))
    before, order = totals(warehouse), funnels(warehouse)
    other = warehouse.query("SELECT * FROM events WHERE site_id = 2 ORDER BY ALL")
    done = sealed(warehouse, tmp_path)

    assert before == totals(warehouse)
    assert order == funnels(warehouse)
    assert other == warehouse.query("SELECT * FROM events WHERE site_id = 2 ORDER BY ALL")
    assert done.events == before[0][1]
    assert Sealed(0, 0) == sealed(warehouse, tmp_path)
    assert not (tmp_path / "sealing.json").exists()


def test_ids_seconds_and_batches_are_gone(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    No old id is left, times are whole five minutes, and nothing in a row tells when within them it came.
    """
    insert(warehouse, 1, some_day(1))
    ids = "SELECT DISTINCT visitor_id FROM events WHERE visitor_id != 0 UNION DISTINCT SELECT visit_id FROM visits"
    before = {row[0] for row in warehouse.query(ids)}
    sealed(warehouse, tmp_path)
    after = {row[0] for row in warehouse.query(ids)}

    assert len(before) == len(after)
    assert set() == before & after
    assert [(0, 0, 1)] == warehouse.query(
        "SELECT max(toUnixTimestamp(ts) % 300), (SELECT max(toUnixTimestamp(start) % 300) FROM visits), "
        "uniqExact(batch) FROM events"
    )
    assert [(0, 0)] == warehouse.query("SELECT maxIf(entry.1, entry.1 < 4294967295), max(exit.1) FROM visits")
    visits = "SELECT DISTINCT visitor_id, visit_id FROM {} WHERE visit_id != 0 ORDER BY ALL"
    assert warehouse.query(visits.format("events")) == warehouse.query(visits.format("visits"))


def test_the_rare_is_folded_where_k_says_so(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    Cities and versions of fewer than k visitors become one; with k = 1 they stay.
    """
    insert(warehouse, 1, some_day(2))
    cities = "SELECT city, uniqExact(visitor_id) FROM visits GROUP BY city ORDER BY city"
    before = dict(warehouse.query(cities))
    sealed(warehouse, tmp_path)
    after = dict(warehouse.query(cities))

    rare = sum(count for count in before.values() if count < K)
    assert {city: count for city, count in before.items() if count >= K} | {CITY_FOLDED: rare} == after
    versions = {row[0] for row in warehouse.query("SELECT DISTINCT browser_version FROM events WHERE visit_id != 0")}
    assert {"140", "141", FOLDED} == versions
    assert {""} == {row[0] for row in warehouse.query("SELECT DISTINCT os_version FROM events")}


def test_with_k_of_one_nothing_is_folded(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    A site that switched small cells off keeps its rare cities.
    """
    insert(warehouse, 1, some_day(2))
    cities = "SELECT DISTINCT city FROM events ORDER BY city"
    before = warehouse.query(cities)
    seal_day(warehouse, tmp_path, site_id=1, day=DAY, k=1)

    assert before == warehouse.query(cities)


def test_what_comes_late_adds_rows(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    Rows for a sealed day are counted beside it, and sealed by the next call without touching the others.
    """
    insert(warehouse, 1, some_day(3))
    sealed(warehouse, tmp_path)
    before = warehouse.query("SELECT * FROM events ORDER BY ALL")
    late = Happening(datetime(2026, 11, 20, 23, 1, 2, tzinfo=UTC), "late")
    insert(warehouse, 1, [late])
    done = sealed(warehouse, tmp_path)

    assert Sealed(1, 1) == done
    after = warehouse.query("SELECT * FROM events ORDER BY ALL")
    assert (len(before) + 1, set()) == (len(after), {str(row) for row in before} - {str(row) for row in after})


def test_a_day_with_rows_under_way_waits(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    Rows of a batch that could be written again after a crash are not sealed yet.
    """
    insert(warehouse, 1, some_day(4))
    warehouse.command("ALTER TABLE events UPDATE batch = 7 WHERE 1 SETTINGS mutations_sync = 2")

    with pytest.raises(SealError, match="under way"):
        sealed(warehouse, tmp_path, settled_batch=6)
    assert sealed(warehouse, tmp_path, settled_batch=7).events > 0


@pytest.mark.parametrize("step", range(6))
def test_a_crash_at_any_step_is_healed(
    warehouse: Warehouse, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Killed after any statement that changes rows or tells where sealing is, the next start ends with the same numbers.
    """
    insert(warehouse, 1, some_day(5))
    before = totals(warehouse)
    left = step

    def counted(real: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            result = real(*arguments, **named)
            text = str(arguments[0])
            if "sealing.json" in text or text.startswith(("INSERT", "ALTER")):
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt
            return result

        return run

    with monkeypatch.context() as patched:
        patched.setattr(warehouse, "command", counted(warehouse.command))
        patched.setattr(seal_module, "write_private", counted(seal_module.write_private))
        patched.setattr(seal_module, "_clear", left_alone)
        with pytest.raises(KeyboardInterrupt):
            sealed(warehouse, tmp_path)
    resume_sealing(warehouse, tmp_path)
    sealed(warehouse, tmp_path)

    assert before == totals(warehouse)
    assert [(1, 1)] == warehouse.query("SELECT min(sealed), (SELECT min(sealed) FROM visits) FROM events")
    assert [] == warehouse.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%sealing%'"
    )


def test_seeded_rows_wait_for_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    Made-up rows have numbers above all of the drain's and are never written again.
    """
    insert(warehouse, 1, some_day(4))
    warehouse.command(f"ALTER TABLE events UPDATE batch = {2**62 + 5} WHERE 1 SETTINGS mutations_sync = 2")
    rows = warehouse.query("SELECT count() FROM events")[0][0]

    done = seal_day(warehouse, tmp_path / "drain", site_id=1, day=DAY, k=5, settled_batch=6)
    assert rows == done.events


def same_for_all(count: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.ones(count, dtype=np.uint64)


def left_alone(warehouse: Warehouse) -> None:
    """What a process that is gone does not tidy up."""


def test_sums_that_differ_stop_the_sealing(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Positive control: a sealing that loses a visitor is found out before a row is touched.
    """
    insert(warehouse, 1, some_day(6))
    before = warehouse.query("SELECT * FROM events ORDER BY ALL")
    monkeypatch.setattr(seal_module, "_fresh_ids", same_for_all)

    with pytest.raises(SealError, match="do not add up"):
        sealed(warehouse, tmp_path)
    assert before == warehouse.query("SELECT * FROM events ORDER BY ALL")
    assert not warehouse.query(f"EXISTS TABLE {STAGED['events']}")[0][0]
