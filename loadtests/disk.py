"""
The row on disk space: seeded realistic traffic, its days closed, merged to the end, bytes of all tables by event.

`python -m loadtests.disk DATA_DIR` closes days as a running server does (rollups made, rows sealed), merges and counts.
It is a process of its own, as the engine wants one for itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from daysalt.closer import Closer
from daysalt.day_sealer import DaySealer
from loadtests.measured import Measured
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry
from warehouse.settings import Settings, load_settings

DAYS = 30
EVENTS_PER_DAY = 10_000
SEED = 1


def bytes_per_event() -> Measured:
    """
    Fill three sites by `daysalt seed`, close their days, merge every table, and divide.

    Raises:
        RuntimeError: seeding or merging failed.
    """
    with tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name:
        data_dir = Path(name) / "data"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DAYSALT_")}
        environment |= {"DAYSALT_DATA_DIR": str(data_dir), "DAYSALT_FETCH_LISTS": "0"}
        seed = ["seed", "--demo", "--days", str(DAYS), "--events-per-day", str(EVENTS_PER_DAY), "--seed", str(SEED)]
        _run([sys.executable, "-m", "daysalt", *seed], environment)
        sizes: dict[str, int] = json.loads(
            _run([sys.executable, "-m", "loadtests.disk", str(data_dir)], environment).splitlines()[-1]
        )
    events = sizes.pop("")
    by_table = ", ".join(f"{table} {size / events:.1f}" for table, size in sorted(sizes.items()) if size)
    return Measured(sum(sizes.values()) / events, f"{events:,} events, {DAYS} days, three sites; {by_table}", None)


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[2:4])} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def merge_and_count(data_dir: Path) -> dict[str, int]:
    """
    Close all days of a stopped server's embedded store, and merge every table.

    Returns:
        Bytes on disk by table; under the empty name the number of events.
    """
    warehouse = Warehouse(f"chdb://{data_dir / 'warehouse'}")
    try:
        _close_days(warehouse, load_settings(overrides={"DAYSALT_DATA_DIR": str(data_dir)}))
        tables = [
            str(name)
            for (name,) in warehouse.query(
                "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
            )
        ]
        for table in tables:
            warehouse.command(f"OPTIMIZE TABLE {table} FINAL")
        found = warehouse.query(
            "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() "
            "GROUP BY table"
        )
        sizes = {str(table): int(size) for table, size in found}
        sizes[""] = int(warehouse.query("SELECT count() FROM events")[0][0])
        return sizes
    finally:
        warehouse.close()


def _close_days(warehouse: Warehouse, settings: Settings) -> None:
    clock, resting = SystemClock(), threading.Lock()
    registry = Registry(settings.registry_url, clock)
    sealer = DaySealer(warehouse, settings.data_dir / "drain", resting=resting)
    closer = Closer(warehouse, registry, clock, resting=resting, caught_up_ms=clock.now_ms, closed=sealer.seal)
    unsealed = -1
    while True:
        closer.look()
        left = int(warehouse.query("SELECT count() FROM events WHERE sealed = 0")[0][0])
        if left == unsealed:
            break  # the days that are not over
        unsealed = left
    closer.look()  # sweeps the builds that were replaced
    registry.close()


if __name__ == "__main__":
    print(json.dumps(merge_and_count(Path(sys.argv[1]))))
