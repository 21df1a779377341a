"""
The real server, as `make run` starts it, and the bare application beside it: pinned to one core, in a directory of
their own, gone afterwards.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from loadtests.beacons import DOMAIN

START_SECONDS_MAX = 60.0
DRAIN_SECONDS_MAX = 120.0
COUNTERS_APART_SECONDS_MAX = 1.5
"""How far the moments of two counters may lie apart."""
SETTLED_SECONDS = 2.5


def pinned(core: int | None, command: Sequence[str]) -> list[str]:
    """
    Put a command, and what it starts, on one core; as it is where that cannot be done.
    """
    if core is None:
        return [*command]
    return ["taskset", "-c", str(core), *command]


def two_cores() -> tuple[int, int] | tuple[None, None]:
    """
    Choose a core for the server and one for the load.
    """
    if sys.platform != "linux" or shutil.which("taskset") is None:
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def free_port() -> int:
    """
    Find a port nobody listens on.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass(slots=True)
class RunningServer:
    """
    The real server with one site.
    """

    port: int
    admin_key: str
    pid: int
    """Of the keeper, the parent of all its processes."""
    domain: str

    def accepted(self) -> int:
        """
        Tell how many events were answered 202 and not dropped.
        """
        return round(self.metrics().get("daysalt_events_accepted_total", 0))

    def flushed(self) -> int:
        """
        Tell how many events the drain has written since it started.
        """
        return round(self.metrics().get("daysalt_events_flushed_total", 0))

    def stored(self) -> int:
        """
        Tell how many events the stats know.
        """
        today = datetime.now(UTC).date()
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/api/v2/query",
            headers={"authorization": f"Bearer {self.admin_key}"},
            # Both days, for a run over midnight.
            json={
                "site_id": self.domain,
                "metrics": ["events"],
                "date_range": [str(today - timedelta(days=1)), str(today)],
            },
            timeout=60,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return int(found["results"][0]["metrics"][0])

    def settled(self) -> tuple[int, int, float]:
        """
        Wait until everything accepted is in the stats, or for `DRAIN_SECONDS_MAX`.

        Returns:
            Accepted, stored, and the seconds until they were equal.
        """
        began = time.monotonic()
        equal_since, seen = began, (-1, -1)
        while True:
            found = (self.accepted(), self.stored())
            now = time.monotonic()
            if found != seen:
                equal_since, seen = now, found
            # The counters are a second old: what is equal must stay so for longer than that.
            if (found[0] == found[1] and now - equal_since > SETTLED_SECONDS) or now - began > DRAIN_SECONDS_MAX:
                return *found, equal_since - began
            time.sleep(0.3)

    def metrics(self) -> dict[str, float]:
        """
        Read `/metrics`, each name summed over its labels.
        """
        found: dict[str, float] = {}
        for line in httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=30).text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                name = name.split("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
        return found

    def behind(self, rate: float) -> int:
        """
        Tell about how many accepted events the store does not have yet, while they come at a steady rate.

        The drain's lag times the rate. The counters of accepted and flushed are told by two processes once a second,
        each at its own moment, and their difference jumped by 1.3 seconds' worth within a steady level. Beyond that
        they count, so that a lag nobody tells any more hides nothing.

        Args:
            rate: events a second.
        """
        metrics = self.metrics()
        apart = metrics.get("daysalt_events_accepted_total", 0) - metrics.get("daysalt_events_flushed_total", 0)
        return round(max(metrics.get("daysalt_drain_lag_seconds", 0) * rate, apart - COUNTERS_APART_SECONDS_MAX * rate))


@contextmanager
def running_server(
    directory: Path, core: int | None, durability: str = "fsync", *, domain: str = DOMAIN
) -> Generator[RunningServer]:
    """
    Start the real server with one site and stop it by SIGTERM. Its data stay in the directory's `data`.

    Raises:
        RuntimeError: it did not start; the text is what it said.
    """
    port, key = free_port(), f"bench-{secrets.token_hex(16)}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    environment |= {
        "DAYSALT_DATA_DIR": str(directory / "data"),
        "DAYSALT_PORT": str(port),
        "DAYSALT_ADMIN_KEY": key,
        "DAYSALT_FETCH_LISTS": "0",
        "DAYSALT_DURABILITY": durability,
    }
    daysalt = [sys.executable, "-m", "daysalt"]
    subprocess.run([*daysalt, "site", "add", domain], env=environment, check=True, capture_output=True)
    output = directory / "server.log"
    with output.open("w") as file:
        process = subprocess.Popen(pinned(core, [*daysalt, "serve"]), env=environment, stdout=file, stderr=file)
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/health/ready", output)
        server = RunningServer(port, key, process.pid, domain)
        _wait_for(process, f"http://127.0.0.1:{port}/metrics", output)
        _wait_until_stats_answer(server)
        yield server
    finally:
        stop(process)


@contextmanager
def running_bare_app(core: int | None) -> Generator[int]:
    """
    Start the bare application; gives its port.
    """
    port = free_port()
    process = subprocess.Popen(pinned(core, [sys.executable, "-m", "loadtests.bare_app", str(port)]))
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/", None)
        yield port
    finally:
        stop(process)


def _wait_for(process: subprocess.Popen[bytes], url: str, output: Path | None) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=2).status_code < 400:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {output.read_text()[-2000:] if output else url}")


def _wait_until_stats_answer(server: RunningServer) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            server.stored()
            return
        except (httpx.HTTPError, json.JSONDecodeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def stop(process: subprocess.Popen[bytes]) -> None:
    """
    End a process by SIGTERM, after half a minute by SIGKILL.
    """
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
