"""
The row on latency: the 99th percentile at half of the rate a bare application saturates at, ours against its.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from loadtests.beacons import draw, write_requests
from loadtests.loading import offer, saturate
from loadtests.measured import Counted, Measured, paired, spread
from loadtests.running import running_bare_app, running_server, two_cores

ROUNDS = 5
SECONDS = 5
WARM_SECONDS = 3


def p99_at_half_rate() -> Measured:
    """
    Offer both the same requests at the same moments, in turns. Latency counts from the moment a request was due.
    """
    server_core, load_core = two_cores()
    theirs: list[float] = []
    ours: list[float] = []
    answered = accepted = stored = 0
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_bare_app(server_core) as bare_port,
        running_server(Path(name), server_core) as server,
    ):
        requests = Path(name) / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1)])
        rate = saturate(bare_port, load_core, WARM_SECONDS, requests).rate / 2
        answered += offer(server.port, load_core, WARM_SECONDS, requests, rate).answered
        for _ in range(ROUNDS):
            loaded = offer(server.port, load_core, SECONDS, requests, rate)
            answered += loaded.answered
            if loaded.failed:
                raise RuntimeError(f"{loaded.failed} requests failed at half of the bare application's rate")
            ours.append(loaded.p99_ms)
            accepted, stored, _ = server.settled()
            theirs.append(offer(bare_port, load_core, SECONDS, requests, rate).p99_ms)
    return Measured(
        paired(ours, theirs),
        f"at {rate:,.0f} req/s: ours p99 {spread(ours, 2)} ms, bare {spread(theirs, 2)}",
        Counted(accepted, stored, answered),
    )
