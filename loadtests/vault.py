"""
The row on the vault: what a collector takes with addresses kept, against the same collector without.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import httpx

from loadtests.beacons import draw, write_requests
from loadtests.loading import saturate
from loadtests.measured import Counted, Measured, paired, spread
from loadtests.rounds import SECONDS, WARM_SECONDS
from loadtests.running import RunningServer, running_server, two_cores

ROUNDS = 7
"""More than elsewhere: the difference looked for is smaller than that between two moments of a machine."""


def vault_on_against_off() -> Measured:
    """
    Compare saturated rates of one server whose site has its vault switched on and off in turns.
    """
    server_core, load_core = two_cores()
    kept: list[float] = []
    bare: list[float] = []
    answered = under_way = accepted = stored = 0
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_server(Path(name), server_core) as server,
    ):
        requests = Path(name) / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1)])
        for number in range(ROUNDS + 1):
            turns = [(True, kept), (False, bare)]
            # Whoever comes first in a round may find the machine otherwise: it changes.
            for vault, rates in turns if number % 2 else reversed(turns):
                switch_vault(server, on=vault)
                # Longer than a change needs to reach the collector, and than the drain needs for the round before.
                server.settled()
                loaded = saturate(server.port, load_core, SECONDS if number else WARM_SECONDS, requests)
                answered += loaded.answered
                under_way += loaded.under_way_max
                if number:
                    rates.append(loaded.rate)
        accepted, stored, _ = server.settled()
        hits = server.metrics().get("daysalt_vault_hits_total", 0)
    return Measured(
        paired(kept, bare),
        f"on {spread(kept)} req/s, off {spread(bare)}; {hits:,.0f} hits in the vault",
        Counted(accepted, stored, answered, under_way),
    )


def switch_vault(server: RunningServer, *, on: bool) -> None:
    """
    Switch the vault of the server's site.

    Raises:
        httpx.HTTPStatusError: it was refused.
    """
    httpx.put(
        f"http://127.0.0.1:{server.port}/api/v1/sites/{server.domain}/settings",
        headers={"authorization": f"Bearer {server.admin_key}"},
        json={"vault": on},
        timeout=30,
    ).raise_for_status()
