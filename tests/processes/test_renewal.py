"""
Collectors and keeper are replaced while beacons come over connections that stay open: no connection is refused, no
beacon lost, and what comes after goes on as before: restarts, the stop, the figures.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.processes.family import children_of, kill, until
from tests.processes.load import CountedSender, await_stored
from tests.processes.test_faults import add_site
from tests.server import Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

ROUNDS = 2
NEW_KEEPER = "the keeper is a new program"


def collectors(server: Server) -> set[int]:
    """
    Give the pids of the collectors.
    """
    return set(children_of(server.process.pid, "collector"))


def renew(server: Server) -> None:
    """
    Have the collectors replaced and the keeper become a new program, and wait until none of the old ones is left.
    """
    old, said = collectors(server), server.said().count(NEW_KEEPER)
    os.kill(server.process.pid, signal.SIGUSR1)
    until(lambda: bool(now := collectors(server)) and not now & old, "the collector was not replaced")
    until(lambda: server.said().count(NEW_KEEPER) > said, "the keeper did not become a new program")


def figures(server: Server) -> list[str]:
    """
    Give the lines of `/metrics`; none while nobody answers.
    """
    try:
        return httpx.get(f"{server.base_url}/metrics", trust_env=False, timeout=60).text.splitlines()
    except httpx.TransportError:
        return []


def test_beacons_go_on_while_collectors_are_replaced(tmp_path: Path) -> None:
    """
    With four connections kept alive through several replacements every beacon is answered 202, and stored once.
    """
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        server.await_site("site1.test")
        with CountedSender(server) as sender:
            until(lambda: len(sender.accepted) > 50, "nothing was accepted")
            for _ in range(ROUNDS):
                renew(server)
                before = len(sender.accepted)
                until(lambda before=before: len(sender.accepted) > before + 50, "the new collector takes nothing")

        assert (0, {}) == (sender.broken, dict(sender.refused))
        assert dict.fromkeys(sender.accepted, 1) == await_stored(server, sender.accepted)
        (pid,) = collectors(server)
        kill(pid)  # a child that the keeper only has from the program before is started again, too
        until(
            lambda: bool(collectors(server) - {pid}) and "daysalt_process_restarts 1.0" in figures(server), "no restart"
        )
        assert 0 == server.stop()
