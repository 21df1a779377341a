"""
The rows of the ratio table. A row is a name, what it measures, what it must reach and aims at, and how it is run.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtests.running import pinned, running_bare_app, running_server, two_cores
from loadtests.wrk_load import write_script

CONNECTIONS = 64
ROUNDS = 3
SECONDS = 5
WARM_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """
    What one run of a row gave. Rates in answers a second.
    """

    ours: float
    bare: float
    accepted: int
    stored: int
    answered: int
    drain_seconds: float
    generator: str

    @property
    def ratio(self) -> float:
        return self.ours / self.bare

    @property
    def exact(self) -> bool:
        """
        Stored equals accepted; and of the answers of a run, only those under way at its end were not counted.
        """
        under_way = self.accepted - self.answered
        return self.stored == self.accepted and 0 <= under_way <= CONNECTIONS * (ROUNDS + 1)


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of the table.
    """

    name: str
    measures: str
    must: float
    aim: float
    durability: str
    run: Callable[[str], Measured]


def one_core_beacons(durability: str) -> Measured:
    """
    POST /api/event against the bare application, in turns, so that both meet the same moments of the machine.
    """
    server_core, load_core = two_cores()
    bare: list[float] = []
    ours: list[float] = []
    answered = 0
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_bare_app(server_core) as bare_port,
        running_server(Path(name), server_core, durability) as server,
    ):
        directory = Path(name)
        answered += _load(server.port, load_core, WARM_SECONDS, 0, directory)[0]
        _load(bare_port, load_core, WARM_SECONDS, 0, directory)
        for number in range(1, ROUNDS + 1):
            bare.append(_load(bare_port, load_core, SECONDS, number, directory)[1])
            count, rate = _load(server.port, load_core, SECONDS, number, directory)
            answered += count
            ours.append(rate)
            # The drain of one round must not slow the other's.
            server.settled()
        accepted, stored, waited = server.settled()
    return Measured(
        statistics.median(ours), statistics.median(bare), accepted, stored, answered, waited, generator_name()
    )


ROWS: tuple[Row, ...] = (
    Row(
        "beacons, one core",
        f"POST /api/event, {CONNECTIONS} keep-alive connections, keeper, collector and store on one core, "
        "against a bare application on uvicorn",
        2.0,
        3.0,
        "fsync",
        one_core_beacons,
    ),
)


def generator_name() -> str:
    """
    Tell which load generator is used; `BENCH_LOAD=python` chooses ours where wrk is installed.
    """
    return os.environ.get("BENCH_LOAD") or ("wrk" if shutil.which("wrk") else "python")


def _load(port: int, core: int | None, seconds: int, seed: int, directory: Path) -> tuple[int, float]:
    if generator_name() == "wrk":
        script = directory / f"beacons-{seed}.lua"
        write_script(script, seed)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
        told = json.loads(_output(pinned(core, command)))
        if told["refused"] or told["broken"]:
            raise RuntimeError(f"{told['refused']} answers were no success and {told['broken']} connections broke")
        return told["answered"], told["answered"] / (told["microseconds"] / 1e6)
    command = [sys.executable, "-m", "loadtests.python_load", str(port), str(CONNECTIONS), str(seconds), str(seed)]
    told = json.loads(_output(pinned(core, command)))
    if set(told["statuses"]) != {"202"}:
        raise RuntimeError(f"answers by status: {told['statuses']}; all should be 202")
    return told["statuses"]["202"], told["statuses"]["202"] / told["seconds"]


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]
