"""
Beacons and risk checks side by side, each at its own rate, from one loop: `python -m loadtests.checking '{"port": 8000,
"seconds": 5, "beacons": "FILE", "beacon_rate": 5000, "checks": "FILE", "check_rate": 1000}'` prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from loadtests.beacons import read_requests
from loadtests.generator import Generator, evenly

NICENESS = -15
"""Where it is allowed: a sender that waits for a processor itself would tell that as the server's latency."""
CONNECTIONS = 64
CHECK_CONNECTIONS = 32


def _generator(port: int, connections: int, requests: Sequence[bytes], rate: float, seconds: float) -> Generator:
    count = len(requests)
    return Generator(
        ("127.0.0.1", port), connections, lambda number: requests[number % count], arrivals=evenly(rate, seconds)
    )


def _main(told: dict[str, object]) -> None:
    with suppress(PermissionError):
        os.nice(NICENESS)
    port, seconds = int(str(told["port"])), float(str(told["seconds"]))
    beacons = _generator(
        port, CONNECTIONS, read_requests(Path(str(told["beacons"]))), float(str(told["beacon_rate"])), seconds
    )
    checks = _generator(
        port, CHECK_CONNECTIONS, read_requests(Path(str(told["checks"]))), float(str(told["check_rate"])), seconds
    )
    beacons.start(seconds)
    checks.start(seconds)
    while not (beacons.finished and checks.finished):
        beacons.turn()
        checks.turn()
    beacons.close()
    checks.close()
    print(
        json.dumps(
            {
                "accepted": beacons.tally.accepted,
                "beacon_errors": beacons.tally.errors,
                "beacon_p99_ms": beacons.tally.percentiles_ms()[2],
                "checks": len(checks.tally.latencies_us),
                # The generator hopes for 202; a check is answered 200.
                "check_errors": {kind: count for kind, count in checks.tally.errors.items() if kind != "status 200"},
                "check_ms": checks.tally.percentiles_ms(),
            }
        )
    )


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
