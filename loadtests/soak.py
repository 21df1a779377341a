"""
The long run: `make soak`. Ten minutes at 5,000 events/s against the real server, while memory of all its processes and
the distance between accepted and stored are read each second.

`SOAK_SECONDS` and `SOAK_RATE` change the length and the rate. A rate of 0 saturates the server on one core from the
other, and 503 is an answer then: for five minutes of endless overload say `SOAK_SECONDS=300 SOAK_RATE=0`.
`SOAK_QUESTIONS=2` has so many people ask a heavy question all the time, which must not delay what comes in.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from loadtests.beacons import draw, write_requests
from loadtests.graph import spark
from loadtests.loading import Loaded, generator_name, offer, saturate
from loadtests.machine import commit, machine
from loadtests.measured import Counted
from loadtests.memory import SOAK_FILE
from loadtests.processes import processes_of
from loadtests.running import RunningServer, running_server, two_cores
from loadtests.soak_questions import Questions

SECONDS = 600
RATE = 5_000
LAST_SECONDS = 300
LAG_SECONDS_MAX = 2.0
"""Up to 5,000 events/s, events are in the stats within 2 seconds (contract, section 2)."""
IDLE_SECONDS = 10


@dataclass(slots=True)
class Samples:
    """
    What was read each second of the load.
    """

    rss_mib: list[float] = field(default_factory=list[float])
    by_role: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    lag_s: list[float] = field(default_factory=list[float])
    behind: list[int] = field(default_factory=list[int])
    missed: int = 0
    """Seconds in which `/metrics` did not answer."""

    def take(self, server: RunningServer) -> None:
        """
        Read one second's.
        """
        roles: dict[str, float] = {}
        for process in processes_of(server.pid):
            roles[process.role] = roles.get(process.role, 0) + process.rss_bytes / (1 << 20)
        self.by_role.append(roles)
        self.rss_mib.append(sum(roles.values()))
        try:
            metrics = server.metrics()
        except httpx.HTTPError:
            self.missed += 1
            return
        self.lag_s.append(metrics.get("daysalt_drain_lag_seconds", 0.0))
        accepted, flushed = (metrics.get(f"daysalt_events_{name}_total", 0) for name in ("accepted", "flushed"))
        self.behind.append(round(accepted - flushed))


def growth_percent(values: list[float], last: int = LAST_SECONDS) -> float:
    """
    Tell by how much the last values rose: the mean of their last tenth against the mean of their first.

    Args:
        values: one a second.
    """
    taken = values[-last:]
    tenth = max(1, len(taken) // 10)
    if not taken:
        return 0.0
    return (statistics.fmean(taken[-tenth:]) / statistics.fmean(taken[:tenth]) - 1) * 100


def main() -> int:
    """
    Run it and print the figures.

    Returns:
        1 when stored and accepted events differ, or requests failed that should not have.
    """
    seconds, rate = int(os.environ.get("SOAK_SECONDS", SECONDS)), float(os.environ.get("SOAK_RATE", RATE))
    load = f"{rate:,.0f} events/s" if rate else f"saturated by {generator_name()}"
    print(f"{machine()}; commit {commit()}; {seconds} s, {load}", flush=True)
    samples = Samples()
    questions = Questions(int(os.environ.get("SOAK_QUESTIONS", 0)))
    server_core, load_core = two_cores() if not rate else (None, None)
    with tempfile.TemporaryDirectory(prefix="daysalt-soak-") as name, running_server(Path(name), server_core) as server:
        requests = Path(name) / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1)])
        time.sleep(IDLE_SECONDS)
        idle = sum(process.rss_bytes for process in processes_of(server.pid)) / (1 << 20)
        with questions.asked(server):
            loaded = _load(server, samples, requests, seconds, rate, load_core)
        accepted, stored, waited = server.settled()
    counted = Counted(accepted, stored, loaded.answered, loaded.under_way_max)
    growth = growth_percent(samples.rss_mib)
    _print(samples, loaded, idle, growth, counted, waited, questions)
    figures = {
        "seconds": seconds,
        "rate": round(rate),
        "commit": commit(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "rss_mib_idle": round(idle, 1),
        "rss_mib_end": round(samples.rss_mib[-1], 1),
        "growth_percent": round(growth, 2),
        "lag_s_max": max(samples.lag_s, default=0),
        "accepted": accepted,
        "stored": stored,
        "answered": loaded.answered,
    }
    if rate:
        SOAK_FILE.parent.mkdir(exist_ok=True)
        SOAK_FILE.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if counted.exact and not (rate and loaded.failed) else 1


def _load(
    server: RunningServer, samples: Samples, requests: Path, seconds: int, rate: float, core: int | None
) -> Loaded:
    stop = threading.Event()

    def sample() -> None:
        began = time.monotonic()
        while not stop.wait(1):
            samples.take(server)
            lag, behind = samples.lag_s[-1:] or [0.0], samples.behind[-1:] or [0]
            print(
                f"\r{time.monotonic() - began:5.0f} of {seconds} s  memory {samples.rss_mib[-1]:,.0f} MiB  "
                f"lag {lag[0]:.1f} s  behind {behind[0]:,}   ",
                end="", file=sys.stderr, flush=True,
            )  # fmt: skip

    watcher = threading.Thread(target=sample, daemon=True)
    watcher.start()
    try:
        if rate:
            return offer(server.port, None, seconds, requests, rate, spin=False)
        return saturate(server.port, core, seconds, requests, may_refuse=True)
    finally:
        stop.set()
        watcher.join()
        print(file=sys.stderr)


def _print(
    samples: Samples,
    loaded: Loaded,
    idle: float,
    growth: float,
    counted: Counted,
    waited: float,
    questions: Questions,
) -> None:
    rss, lag, behind = samples.rss_mib, samples.lag_s, [float(value) for value in samples.behind]
    roles = ", ".join(f"{role} {size:,.0f}" for role, size in samples.by_role[-1].items())
    late = sum(1 for value in lag if value > LAG_SECONDS_MAX)
    lines = {
        "events": f"offered {loaded.offered:,}, answered {loaded.answered:,}, refused or failed {loaded.failed:,}",
        "stored = accepted": str(counted),
        "p99": f"{loaded.p99_ms:g} ms from when a request was due" if loaded.p99_ms else "not told by this generator",
        "memory, MiB": f"idle {idle:,.0f}; least {min(rss):,.0f}, most {max(rss):,.0f}, at the end {rss[-1]:,.0f}",
        "by process": roles,
        "growth": f"{growth:+.2f} % over the last {min(LAST_SECONDS, len(rss))} s",
        "lag, s": f"median {statistics.median(lag or [0]):.2f}, most {max(lag, default=0):.2f}",
        "too late": f"{late} of {len(lag)} seconds over {LAG_SECONDS_MAX:g} s; {samples.missed} without an answer",
        "behind": f"at most {max(behind, default=0):,.0f} events; caught up {waited:.1f} s after the end",
        "questions": str(questions),
        "graph of memory": spark(rss),
        "graph of lag": spark(lag),
        "graph of behind": spark(behind),
    }
    for name, value in lines.items():
        print(f"  {name:<18} {value}")


if __name__ == "__main__":
    sys.exit(main())
