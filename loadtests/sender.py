"""
One process that sends its share of a load profile: `python -m loadtests.sender PLAN INDEX`.

It prints a line of JSON four times a second (what came in since the last), and leaves all of its tally in the plan's
directory. A process of its own, so that neither the load test's display nor another sender slows it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from loadtests.generator import Generator
from loadtests.profile import Profile, read_profile
from loadtests.tally import Tally
from loadtests.traffic import Traffic

REPORT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What the processes of one load test share. Written to a file that only its owner may read: it has the key.
    """

    host: str
    port: int
    profile: str
    scale: float
    run: str
    key: str
    directory: str
    """Where tallies go."""
    senders: int

    def write(self, path: Path) -> None:
        """
        Write it to a new file.
        """
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Plan:
        """
        Read what `write` wrote.
        """
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def tally_path(self, index: int) -> Path:
        """
        Name the file of a sender's tally.
        """
        return Path(self.directory) / f"tally-{index}.npz"

    def load_profile(self) -> Profile:
        """
        Read the profile of this load test.
        """
        return read_profile(self.profile, scale=self.scale)


class Reports:
    """
    Tells what is new in a tally since it was last told.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._offered = self._accepted = self._dropped = self._seen = 0
        self._errors: dict[str, int] = {}

    def next(self, elapsed: float) -> dict[str, object]:
        """
        Give the counts since the last call, latencies as milliseconds -> count.
        """
        tally = self._tally
        latencies: dict[str, int] = {}
        for latency in tally.latencies_us[self._seen :]:
            rounded = str(round(latency / 1000, 1 if latency < 10_000 else 0))
            latencies[rounded] = latencies.get(rounded, 0) + 1
        errors = {kind: count - self._errors.get(kind, 0) for kind, count in tally.errors.items()}
        report: dict[str, object] = {
            "elapsed": round(elapsed, 2),
            "offered": tally.offered - self._offered,
            "accepted": tally.accepted - self._accepted,
            "dropped": tally.dropped - self._dropped,
            "errors": {kind: count for kind, count in errors.items() if count},
            "latencies_ms": latencies,
        }
        self._offered, self._accepted, self._dropped = tally.offered, tally.accepted, tally.dropped
        self._seen, self._errors = len(tally.latencies_us), dict(tally.errors)
        return report


def send(plan: Plan, index: int, report: Callable[[dict[str, object]], None]) -> Tally:
    """
    Send one share of the profile and wait for the last answers.

    Raises:
        OSError: nobody listens there.
    """
    profile = plan.load_profile()
    traffic = Traffic(profile, plan.run, plan.key)
    generator = Generator(
        (plan.host, plan.port),
        max(1, profile.connections // plan.senders),
        traffic.request,
        arrivals=profile.arrivals(first=index, step=plan.senders) if profile.open_loop else None,
        events_in_request=profile.events_in_request,
        first=index,
        step=plan.senders,
        spin=False,
    )
    reports = Reports(generator.tally)
    told_at = 0.0
    # An open loop ends with its last arrival; the end only guards against a server that never answers in time.
    generator.start(profile.seconds)
    while not generator.finished:
        if not generator.turn():
            generator.rest()
        elapsed = generator.elapsed
        if elapsed - told_at >= REPORT_SECONDS:
            told_at = elapsed
            report(reports.next(elapsed))
    report(reports.next(generator.elapsed))
    generator.close()
    return generator.tally


def save(path: Path, tally: Tally) -> None:
    """
    Keep a tally in a file.
    """
    counts = {
        "offered": tally.offered,
        "accepted": tally.accepted,
        "dropped": tally.dropped,
        "errors": tally.errors,
        "offered_by_second": tally.offered_by_second,
        "accepted_by_second": tally.accepted_by_second,
        "failed_by_second": tally.failed_by_second,
    }
    np.savez(
        path,
        counts=np.frombuffer(json.dumps(counts).encode(), dtype=np.uint8),
        latencies_us=np.array(tally.latencies_us, dtype=np.uint32),
        answered_s=np.array(tally.answered_s, dtype=np.uint32),
        outcomes=np.frombuffer(bytes(tally.outcomes), dtype=np.uint8),
    )


def _print(report: dict[str, object]) -> None:
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    _plan, _index = Plan.read(Path(sys.argv[1])), int(sys.argv[2])
    save(_plan.tally_path(_index), send(_plan, _index, _print))
