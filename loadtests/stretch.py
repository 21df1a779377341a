"""
One stretch of load from a process of its own, so that it can be put on a core of its own:
`python -m loadtests.stretch '{"port": 8000, "connections": 64, "seconds": 5, "requests": "FILE", "rate": 0}'` prints
one line of JSON. A rate of 0 is a closed loop.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from loadtests.beacons import read_requests
from loadtests.generator import Generator, evenly


def _main(told: dict[str, object]) -> None:
    requests = read_requests(Path(str(told["requests"])))
    count = len(requests)
    rate, seconds = float(str(told.get("rate", 0))), float(str(told["seconds"]))
    generator = Generator(
        ("127.0.0.1", int(str(told["port"]))),
        int(str(told["connections"])),
        lambda number: requests[number % count],
        arrivals=evenly(rate, seconds) if rate else None,
        events_in_request=int(str(told.get("events", 1))),
        spin=bool(told.get("spin", True)),
    )
    took = generator.run(seconds)
    tally = generator.tally
    p50, p95, p99 = tally.percentiles_ms()
    print(
        json.dumps(
            {
                "offered": tally.offered,
                "answered": len(tally.latencies_us),
                "accepted": tally.accepted,
                "dropped": tally.dropped,
                "errors": tally.errors,
                "seconds": took,
                "p50_ms": p50,
                "p95_ms": p95,
                "p99_ms": p99,
            }
        )
    )


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
