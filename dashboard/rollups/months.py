"""
Months, added up from the rollups of their days: what a question about a year reads.

A month says of which builds of its days it was made. When a day is built anew or added to, its month is no longer read,
until it is added up again; in between its days are read.
"""

# ruff: noqa: S608 - the texts put in are names of our columns; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dashboard.rollups.builds import BUILD_CHANCE_BITS, DAY_MAX, DAY_MIN, counting_builds, next_build
from dashboard.stats.months import Pair, days_of, known_months, made_of, whole_months
from dashboard.stats.parts import STORED_PARTS
from dashboard.stats.reports import HOUR, LABELS_MAX
from warehouse.client import Warehouse
from warehouse.clock import Clock

QUIET_MS = 60_000
"""A month is added up again when nothing was added to its days for so long: late events come in many small batches."""
_LABELS = ", ".join(f"label{number}" for number in range(1, LABELS_MAX + 1))
_SUMS = ", ".join([*(f"sum({name})" for name in STORED_PARTS), "sumMap(amounts)", "sumMap(sales)"])
_COLUMNS = f"site_id, report, day, build, {_LABELS}, {', '.join(STORED_PARTS)}, amounts, sales"


def add_months(warehouse: Warehouse, clock: Clock, site_id: int, *, quiet_ms: int = QUIET_MS) -> bool:
    """
    Add up the months that are whole and not added up yet, or no longer what their days are.

    Args:
        quiet_ms: how long ago the last change of a month must be.

    Returns:
        Whether all whole months are added up now; else some were changed a moment ago and wait for the next call.

    Raises:
        WarehouseUnavailable, WarehouseRefused: months done before it stay; the same call goes on.
    """
    days: dict[date, list[int]] = {}
    for one in counting_builds(warehouse, site_id, DAY_MIN, DAY_MAX):
        days.setdefault(one.day, []).append(one.build)
    known = known_months(warehouse, site_id)
    done, waiting = 0, 0
    for month, pairs in whole_months(days).items():
        digest = made_of(pairs)
        age_ms = clock.now_ms() - (max(build for _, build in pairs) >> BUILD_CHANCE_BITS)
        if month in known and known[month][1] == digest:
            continue
        if 0 <= age_ms < quiet_ms:
            waiting += 1
            continue
        build = max(next_build(warehouse, clock, site_id), known.get(month, (0, ""))[0] + 1)
        _add(warehouse, site_id, month, build, pairs, digest)
        done += 1
    if done:
        sweep_months(warehouse, site_id)
    return not waiting


def sweep_months(warehouse: Warehouse, site_id: int) -> None:
    """
    Delete months that were replaced, and rows of months that were not finished.
    """
    parameters = {"site": site_id}
    newest = "SELECT max(build) FROM rollup_month_builds WHERE site_id = {site:UInt32} GROUP BY month"
    for table in ("rollup_months", "rollup_month_builds"):
        stale = f"site_id = {{site:UInt32}} AND build NOT IN ({newest})"
        if warehouse.query(f"SELECT 1 FROM {table} WHERE {stale} LIMIT 1", parameters):
            warehouse.command(f"DELETE FROM {table} WHERE {stale}", parameters)


def _add(warehouse: Warehouse, site_id: int, month: date, build: int, pairs: Sequence[Pair], digest: str) -> None:
    parameters = {
        "site": site_id,
        "month": month,
        "build": build,
        "first": month,
        "last": days_of(month)[-1],
        "pairs": list(pairs),
        "hour": HOUR,
    }
    warehouse.command(
        f"INSERT INTO rollup_months ({_COLUMNS})"
        f" SELECT {{site:UInt32}}, report, {{month:Date}}, {{build:UInt64}}, {_LABELS}, {_SUMS} FROM rollups"
        " WHERE site_id = {site:UInt32} AND report != {hour:String} AND day BETWEEN {first:Date} AND {last:Date}"
        f" AND (day, build) IN {{pairs:Array(Tuple(Date, UInt64))}} GROUP BY report, {_LABELS}",
        parameters,
    )
    warehouse.insert(
        "rollup_month_builds", {"site_id": [site_id], "month": [month], "build": [build], "made_of": [digest.encode()]}
    )
