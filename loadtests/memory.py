"""
The rows on memory: idle is measured here, under load by `make soak`, whose last figures are shown.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from loadtests.measured import Counted, Measured, Skipped
from loadtests.processes import processes_of
from loadtests.running import running_server

IDLE_SECONDS = 20
SOAK_SECONDS_LEAST = 600
SOAK_FILE = Path(__file__).parent / "results" / "soak.json"
"""Written by `make soak`, not committed."""


def idle() -> Measured:
    """
    Sum the resident memory of all processes some seconds after the start.
    """
    with tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name, running_server(Path(name), None) as server:
        time.sleep(IDLE_SECONDS)
        found = processes_of(server.pid)
    by_role = ", ".join(f"{process.role} {process.rss_bytes >> 20}" for process in found)
    return Measured(sum(process.rss_bytes for process in found) / (1 << 20), by_role, None)


def after_soak() -> Measured:
    """
    Give the memory at the end of the last soak.
    """
    told = _last_soak()
    return _from_soak(told, float(str(told["rss_mib_end"])))


def growth_in_soak() -> Measured:
    """
    Give the growth over the last five minutes of the last soak, in percent.
    """
    told = _last_soak()
    return _from_soak(told, float(str(told["growth_percent"])))


def _last_soak() -> dict[str, object]:
    if not SOAK_FILE.exists():
        raise Skipped("run `make soak` first")
    told: dict[str, object] = json.loads(SOAK_FILE.read_text(encoding="utf-8"))
    if int(str(told["seconds"])) < SOAK_SECONDS_LEAST:
        raise Skipped(f"the last soak took {told['seconds']} s, too short: run `make soak`")
    return told


def _from_soak(told: dict[str, object], value: float) -> Measured:
    return Measured(
        value,
        f"{told['seconds']} s at {told['rate']} events/s, commit {told['commit']}, {told['when']}",
        Counted(int(str(told["accepted"])), int(str(told["stored"])), int(str(told["answered"]))),
    )
