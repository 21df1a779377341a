"""
Rows that compare saturated rates: ours and a rival's in turns, so that both meet the same moments of the machine.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import httpx

from loadtests.beacons import (
    EVENTS_IN_BATCH,
    ORDINARY,
    Variety,
    draw,
    draw_batches,
    write_requests,
)
from loadtests.loading import CONNECTIONS, saturate
from loadtests.measured import Counted, Measured, Skipped, paired, spread
from loadtests.running import running_bare_app, running_server, two_cores
from loadtests.running_nginx import find_nginx, running_nginx

ROUNDS = 5
SECONDS = 5
WARM_SECONDS = 2
BATCH_CONNECTIONS = 8
BATCHES = 80
CATCH_UP_SECONDS = 8
"""Length of the saturation after which the drain must catch up; one of the project's goals."""


def beacons_against(rival: str, durability: str = "fsync", variety: Variety = ORDINARY) -> Measured:
    """
    Compare `POST /api/event` with a rival that does nothing: `bare`, the application on uvicorn, or `nginx`.
    """
    server_core, load_core = two_cores()
    if rival == "nginx" and find_nginx() is None:
        raise Skipped("nginx absent")
    theirs: list[float] = []
    ours: list[float] = []
    answered = under_way = accepted = stored = 0
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daysalt-bench-")))
        requests = directory / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1, variety)])
        rival_port = stack.enter_context(
            running_nginx(directory, server_core) if rival == "nginx" else running_bare_app(server_core)
        )
        server = stack.enter_context(running_server(directory, server_core, durability))
        saturate(rival_port, load_core, WARM_SECONDS, requests)
        for number in range(ROUNDS + 1):
            loaded = saturate(server.port, load_core, SECONDS if number else WARM_SECONDS, requests)
            answered += loaded.answered
            under_way += loaded.under_way_max
            # The drain of one round must not slow the other's.
            accepted, stored, _ = server.settled()
            if number:
                ours.append(loaded.rate)
                theirs.append(saturate(rival_port, load_core, SECONDS, requests).rate)
    return Measured(
        paired(ours, theirs),
        f"ours {spread(ours)} req/s, {rival} {spread(theirs)}",
        Counted(accepted, stored, answered, under_way),
    )


def batches_against_beacons() -> Measured:
    """
    Compare events a second through `POST /api/events`, 500 in a body, with single beacons.
    """
    server_core, load_core = two_cores()
    singles: list[float] = []
    batches: list[float] = []
    answered = under_way = accepted = stored = 0
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_server(Path(name), server_core) as server,
    ):
        single_file, batch_file = Path(name) / "single", Path(name) / "batch"
        write_requests(single_file, [beacon.as_request() for beacon in draw(1)])
        bodies = draw_batches(1, BATCHES, server.admin_key)
        write_requests(batch_file, bodies)
        probe = httpx.post(
            f"http://127.0.0.1:{server.port}/api/events",
            content=b"[]",
            headers={"authorization": f"Bearer {server.admin_key}"},
            timeout=10,
        )
        if probe.status_code != 202:
            raise Skipped(f"POST /api/events answers {probe.status_code} to an empty batch")
        for number in range(ROUNDS + 1):
            seconds = SECONDS if number else WARM_SECONDS
            single = saturate(server.port, load_core, seconds, single_file)
            server.settled()
            batch = saturate(server.port, load_core, seconds, batch_file, connections=BATCH_CONNECTIONS)
            accepted, stored, _ = server.settled()
            answered += single.answered + batch.answered * EVENTS_IN_BATCH
            under_way += single.under_way_max + batch.under_way_max * EVENTS_IN_BATCH
            if number:
                singles.append(single.rate)
                batches.append(batch.rate * EVENTS_IN_BATCH)
    return Measured(
        paired(batches, singles),
        f"batches {spread(batches)} events/s, single {spread(singles)}",
        Counted(accepted, stored, answered, under_way),
    )


def catch_up() -> Measured:
    """
    Measure how long the drain needs after `CATCH_UP_SECONDS` of saturation, all on one core.
    """
    server_core, load_core = two_cores()
    with (
        tempfile.TemporaryDirectory(prefix="daysalt-bench-") as name,
        running_server(Path(name), server_core) as server,
    ):
        requests = Path(name) / "requests"
        write_requests(requests, [beacon.as_request() for beacon in draw(1)])
        loaded = saturate(server.port, load_core, CATCH_UP_SECONDS, requests, connections=CONNECTIONS)
        accepted, stored, waited = server.settled()
    return Measured(
        waited,
        f"{loaded.answered:,} events in {loaded.seconds:.0f} s",
        Counted(accepted, stored, loaded.answered, loaded.under_way_max),
    )
