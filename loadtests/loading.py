"""
One stretch of load from a core of its own: by wrk where it is installed and the load is a closed loop, else by our own
generator.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from loadtests.running import pinned
from loadtests.wrk_load import write_script

CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    What the generator saw. Counts are requests.
    """

    answered: int
    offered: int
    seconds: float
    p99_ms: float
    """0 when the generator does not tell one worth having."""
    under_way_max: int
    failed: int = 0

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


def generator_name() -> str:
    """
    Tell which generator makes closed loops; `BENCH_LOAD=python` chooses ours where wrk is installed.
    """
    return os.environ.get("BENCH_LOAD") or ("wrk" if shutil.which("wrk") else "python")


def saturate(
    port: int,
    core: int | None,
    seconds: float,
    requests: Path,
    *,
    connections: int = CONNECTIONS,
    may_refuse: bool = False,
) -> Loaded:
    """
    Load a server on this machine as fast as it answers.

    Args:
        may_refuse: answers that are no success are counted in `failed`, not held against the run.

    Raises:
        RuntimeError: an answer was not a success, or a connection broke.
    """
    if generator_name() != "wrk":
        loaded = _own(core, {"port": port, "connections": connections, "seconds": seconds, "requests": str(requests)})
        if loaded.failed and not may_refuse:
            raise RuntimeError(f"{loaded.failed} answers were no success or connections broke")
        return loaded
    script = requests.with_suffix(".lua")
    write_script(script, requests)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    told = json.loads(_last_line(pinned(core, command)))
    if may_refuse and not told["broken"]:
        good = told["answered"] - told["refused"]
        return Loaded(good, told["answered"], told["microseconds"] / 1e6, 0.0, connections, told["refused"])
    if told["refused"] or told["broken"]:
        raise RuntimeError(f"{told['refused']} answers were no success and {told['broken']} connections broke")
    return Loaded(told["answered"], told["answered"], told["microseconds"] / 1e6, 0.0, connections)


def offer(port: int, core: int | None, seconds: float, requests: Path, rate: float, *, spin: bool = True) -> Loaded:
    """
    Load a server at a fixed rate, whatever it answers; latency counts from the moment a request was due.

    Raises:
        RuntimeError: a beacon was dropped, or the generator did not run. Other failures are in the outcome.
    """
    return _own(
        core,
        {
            "port": port,
            "connections": CONNECTIONS,
            "seconds": seconds,
            "requests": str(requests),
            "rate": rate,
            "spin": spin,
        },
    )


def _own(core: int | None, arguments: dict[str, object]) -> Loaded:
    told = json.loads(_last_line(pinned(core, [sys.executable, "-m", "loadtests.stretch", json.dumps(arguments)])))
    if told["dropped"]:
        raise RuntimeError(f"{told['dropped']} beacons were dropped")
    # What was given up unanswered may have been accepted all the same.
    failed = sum(told["errors"].values())
    return Loaded(told["accepted"], told["offered"], told["seconds"], told["p99_ms"], failed, failed)


def _last_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout.strip().splitlines()[-1]
