"""
Promises of the benchmark frame: what it sends, counts and calls exact.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from loadtests.beacons import REQUESTS, draw
from loadtests.python_load import load
from loadtests.rows import CONNECTIONS, ROUNDS, Measured
from loadtests.running import running_bare_app
from loadtests.wrk_load import write_script


def test_beacons_differ_as_real_ones_do() -> None:
    """
    The same seed gives the same beacons; they have thousands of addresses, hundreds of pages and 48 user agents.
    """
    beacons = draw(1)

    assert beacons == draw(1)
    assert len(beacons) == REQUESTS
    assert len({headers["X-Forwarded-For"] for headers, _ in beacons}) > 3000
    assert len({headers["User-Agent"] for headers, _ in beacons}) == 48
    assert len({json.loads(body)["u"] for _, body in beacons}) > 400


def test_our_generator_counts_every_answer() -> None:
    """
    Against the bare application every answer is a 202 and is counted.
    """
    with running_bare_app(None) as port:
        statuses, _ = asyncio.run(load(port, 8, 0.3, 1))

    assert list(statuses) == ["202"]
    assert statuses["202"] > 50


def test_the_script_for_wrk_has_every_beacon(tmp_path: Path) -> None:
    """
    The generated script sends the same beacons as our own generator.
    """
    write_script(tmp_path / "beacons.lua", 1)

    assert (tmp_path / "beacons.lua").read_text().count("wrk.format(") == REQUESTS


def test_a_figure_counts_only_when_stored_equals_accepted() -> None:
    """
    One event too few or too many in the store makes a run's figure worthless, and so do answers nobody accepted.
    """
    under_way = CONNECTIONS * (ROUNDS + 1)

    def exact(accepted: int, stored: int, answered: int) -> bool:
        return Measured(2.0, 1.0, accepted, stored, answered, 0.1, "wrk").exact

    assert exact(1000, 1000, 1000)
    assert exact(1000 + under_way, 1000 + under_way, 1000)
    assert not exact(1000, 999, 1000)
    assert not exact(1000, 1001, 1000)
    assert not exact(999, 999, 1000)
    assert not exact(1001 + under_way, 1001 + under_way, 1000)
