"""
The row on the whole road: collector, drain and store on two cores together with the generator, at rising rates, until
the store no longer keeps up.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from loadtests.beacons import draw, write_requests
from loadtests.loading import Loaded, offer, saturate
from loadtests.measured import Counted, Measured
from loadtests.running import RunningServer, running_bare_app, running_server, two_cores

LEVELS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
"""Offered rates in saturated rates of the bare application."""
SECONDS = 20
BEGIN_SECONDS = 2
"""Of a level without readings: nothing is behind at a beginning, and that is no valley of a drain at work."""
BARE_SECONDS = 4
BEHIND_SECONDS_MAX = 8.0
"""
More than so many seconds' worth of events not yet stored is not keeping up. The drain gives way for up to six seconds
at a time.
"""


@dataclass(frozen=True, slots=True)
class Level:
    """
    One rate, and how it went.
    """

    loaded: Loaded
    behind: tuple[int, ...]
    """Events accepted and not yet stored, once a second from `BEGIN_SECONDS` on."""

    @property
    def sustained(self) -> bool:
        """
        Answered in the time it was offered, and the store not further and further behind.
        """
        rate = self.loaded.offered / SECONDS
        in_time = (
            self.loaded.seconds < SECONDS + 1 and not self.loaded.failed and self.loaded.answered == self.loaded.offered
        )
        if not self.behind:
            return False
        # A drain that rests between batches, and up to nine seconds in a storm, makes a saw of it: its valleys must not
        # rise. Less than nothing is no valley.
        middle = len(self.behind) // 2
        early, late = max(min(self.behind[:middle], default=0), 0), min(self.behind[middle:])
        return in_time and max(self.behind) <= rate * BEHIND_SECONDS_MAX and late <= early + rate / 2


def whole_road() -> Measured:
    """
    Find the highest level that is sustained.
    """
    server_core, load_core = two_cores()
    best = 0.0
    tried: list[str] = []
    answered = under_way = 0
    with tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name:
        requests = Path(name) / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1)])
        with running_bare_app(server_core) as bare_port:
            saturate(bare_port, load_core, 1, requests)
            bare = saturate(bare_port, load_core, BARE_SECONDS, requests).rate
        # Not pinned: the system spreads generator, collector and store over both cores.
        with running_server(Path(name), None) as server:
            accepted = stored = 0
            for level in LEVELS:
                went = _level(server, requests, level * bare)
                answered += went.loaded.answered
                under_way += went.loaded.under_way_max
                accepted, stored, _ = server.settled()
                tried.append(f"{went.loaded.rate:,.0f}{'' if went.sustained else ' not kept up'}")
                if not went.sustained or stored != accepted:
                    break
                # What was offered, all of it in time: the rate it took is a thousandth less, as it ends with an answer.
                best = level
    return Measured(
        best, f"events/s tried: {', '.join(tried)}; bare {bare:,.0f}", Counted(accepted, stored, answered, under_way)
    )


def _level(server: RunningServer, requests: Path, rate: float) -> Level:
    behind: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        stop.wait(BEGIN_SECONDS - 1)
        while not stop.wait(1):
            behind.append(server.behind(rate))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        loaded = offer(server.port, None, SECONDS, requests, rate, spin=False)
    finally:
        stop.set()
        watcher.join()
    return Level(loaded, tuple(behind))
