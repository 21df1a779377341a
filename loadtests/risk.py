"""
The rows on risk: how soon a check is answered beside a stream of events, what the windows cost the collector, and how
much memory they take.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import httpx

from loadtests.beacons import DOMAIN, draw, post, write_requests
from loadtests.loading import saturate
from loadtests.measured import Counted, Measured, paired, spread
from loadtests.running import RunningServer, pinned, running_server, two_cores

EVENTS_A_SECOND, CHECKS_A_SECOND = 5000, 1000
"""Rates beside each other."""
ROUNDS = 5
SECONDS = 8
WARM_SECONDS = 4
COST_ROUNDS = 5
COST_SECONDS = 5
REACHED_SECONDS = 6
"""A changed site reaches the collectors within five seconds."""
ADDRESSES = 1_000_000
BLOCK = 512


def check_latency() -> Measured:
    """
    Ask about addresses that are being counted, half of them, and about strangers, at a fixed rate beside a stream of
    events. Latency counts from the moment a check was due.
    """
    server_core, load_core = two_cores()
    p99s: list[float] = []
    p50s: list[float] = []
    accepted = stored = answered = 0
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_server(Path(name), server_core) as server,
    ):
        beacons = draw(1)
        beacon_file, check_file = Path(name) / "beacons", Path(name) / "checks"
        write_requests(beacon_file, [beacon.as_request() for beacon in beacons])
        rng = Random(2)
        strangers = [f"198.51.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(len(beacons) // 2)]
        asked = [*(beacon.address for beacon in beacons[: len(beacons) // 2]), *strangers]
        rng.shuffle(asked)
        write_requests(check_file, [_check(server, address) for address in asked])
        for number in range(ROUNDS + 1):
            seconds = SECONDS if number else WARM_SECONDS
            told = _beside(server, load_core, seconds, beacon_file, check_file)
            answered += int(told["accepted"])
            if number:
                p50s.append(told["check_ms"][0])
                p99s.append(told["check_ms"][2])
        accepted, stored, _ = server.settled()
    return Measured(
        statistics.median(p99s),
        f"p99 {spread(p99s, 2)} ms, p50 {spread(p50s, 2)} ms at {CHECKS_A_SECOND:,} checks/s beside "
        f"{EVENTS_A_SECOND:,} events/s",
        Counted(accepted, stored, answered),
    )


def cost_to_collector() -> Measured:
    """
    Saturate one collector with the site's switch `risk` on and off in turns.
    """
    server_core, load_core = two_cores()
    rates: dict[bool, list[float]] = {True: [], False: []}
    accepted = stored = answered = under_way = 0
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_server(Path(name), server_core) as server,
    ):
        requests = Path(name) / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1)])
        for number in range(COST_ROUNDS + 1):
            # Who is first takes turns, too: a machine that slows down must not favour one of them.
            for on in (True, False) if number % 2 else (False, True):
                _switch(server, on=on)
                loaded = saturate(server.port, load_core, COST_SECONDS if number else WARM_SECONDS, requests)
                answered += loaded.answered
                under_way += loaded.under_way_max
                accepted, stored, _ = server.settled()
                if number:
                    rates[on].append(loaded.rate)
    return Measured(
        paired(rates[True], rates[False]),
        f"on {spread(rates[True])} req/s, off {spread(rates[False])}",
        Counted(accepted, stored, answered, under_way),
    )


def memory_of_windows() -> Measured:
    """
    Fill the windows of a process of its own with a million addresses and give what its resident memory grew by.
    """
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.risk", str(ADDRESSES)], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    return Measured(
        told["grown_bytes"] / (1 << 20), f"{told['addresses']:,} addresses with three events each in one day", None
    )


def _check(server: RunningServer, address: str) -> bytes:
    return post(
        "/api/risk/v1/check",
        json.dumps({"ip": address, "site": DOMAIN}, separators=(",", ":")),
        {"Authorization": f"Bearer {server.admin_key}"},
    )


def _beside(server: RunningServer, core: int | None, seconds: float, beacons: Path, checks: Path) -> dict[str, Any]:
    plan = {
        "port": server.port, "seconds": seconds, "beacons": str(beacons), "beacon_rate": EVENTS_A_SECOND,
        "checks": str(checks), "check_rate": CHECKS_A_SECOND,
    }  # fmt: skip
    command = pinned(core, [sys.executable, "-m", "loadtests.checking", json.dumps(plan)])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the generator ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout)
    if told["check_errors"] or told["beacon_errors"]:
        raise RuntimeError(f"checks failed: {told['check_errors']}, beacons failed: {told['beacon_errors']}")
    return told


def _switch(server: RunningServer, *, on: bool) -> None:
    answer = httpx.put(
        f"http://127.0.0.1:{server.port}/api/v1/sites/{server.domain}/settings",
        headers={"authorization": f"Bearer {server.admin_key}"},
        json={"risk": on},
        timeout=30,
    )
    answer.raise_for_status()
    time.sleep(REACHED_SECONDS)


def _fill(addresses: int) -> None:
    """
    Print what a million addresses take: in this process, which does nothing else.
    """
    from daysalt.trial.play import FixedIds
    from ingest.risk.observation import PAGEVIEW_KIND, RECORD, Mark
    from ingest.risk.observer import identify
    from ingest.risk.owner import Owner
    from loadtests.processes import resident_bytes
    from warehouse.clock import SystemClock

    clock, ids = SystemClock(), FixedIds()
    owner = Owner(clock)
    now_ms = clock.now_ms()
    before = resident_bytes()
    for first in range(0, addresses, BLOCK):
        packed: list[bytes] = []
        for number in range(first, min(first + BLOCK, addresses)):
            known = identify(ids, (number + (11 << 24)).to_bytes(4), now_ms)
            assert known is not None
            for page in range(3):
                packed.append(RECORD.pack(*known, now_ms, 1, PAGEVIEW_KIND, Mark.LOOKED, page, number % 50, 0, 0))
        owner.add(b"".join(packed))
    print(json.dumps({"addresses": owner.windows.rows.used, "grown_bytes": resident_bytes() - before}))


if __name__ == "__main__":
    _fill(int(sys.argv[1]))
