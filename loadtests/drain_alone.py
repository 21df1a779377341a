"""
The row on the drain: the store process is held still while the spool fills, then it has the core for itself.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

from loadtests.beacons import draw, write_requests
from loadtests.loading import saturate
from loadtests.measured import Counted, Measured
from loadtests.processes import processes_of
from loadtests.running import DRAIN_SECONDS_MAX, RunningServer, running_server, two_cores

SECONDS = 20
"""Of saturation: long enough for the drain to need some seconds."""
LOOK_SECONDS = 0.1
"""Between two looks at the counters, which cost the server a little of the core it is measured on."""


def drain_against_collector() -> Measured:
    """
    Compare the drain's events a second with the collector's, each with the same core for itself.
    """
    server_core, load_core = two_cores()
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_server(Path(name), server_core) as server,
    ):
        requests = Path(name) / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1)])
        warm = saturate(server.port, load_core, 2, requests)
        server.settled()
        stores = [process.pid for process in processes_of(server.pid) if process.role == "store"]
        for pid in stores:
            os.kill(pid, signal.SIGSTOP)
        try:
            loaded = saturate(server.port, load_core, SECONDS, requests)
            time.sleep(1.5)  # until the collector's last report of what it accepted has arrived
            before, expected = server.flushed(), server.accepted()
        finally:
            for pid in stores:
                os.kill(pid, signal.SIGCONT)
        took = _until_flushed(server, expected)
        accepted, stored, _ = server.settled()
    answered = warm.answered + loaded.answered
    rate = (expected - before) / took
    return Measured(
        rate / loaded.rate,
        f"drain {rate:,.0f} events/s, collector {loaded.rate:,.0f}",
        Counted(accepted, stored, answered, warm.under_way_max + loaded.under_way_max),
    )


def _until_flushed(server: RunningServer, expected: int) -> float:
    # The store tells at once when it has caught up, and once a second else.
    began = time.monotonic()
    while server.flushed() < expected:
        if time.monotonic() - began > DRAIN_SECONDS_MAX:
            raise RuntimeError(f"the drain was not done after {DRAIN_SECONDS_MAX:.0f} s")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - began
