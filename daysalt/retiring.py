"""
How a collector serves, and how it steps aside for the one that takes its place.

It stops accepting, answers whatever comes on the connections it has with `connection: close`, and after a while
closes those that stayed idle. New connections wait at the listening socket, which the next collector accepts from.
"""

from __future__ import annotations

import asyncio
import socket

from daysalt.children import RETIRE_SIGNAL
from daysalt.quiet_server import QuietServer
from ingest.lane import BeaconLane

RETIRE_SECONDS = 5.0
"""How long an idle connection is kept for one more request."""
LOOK_SECONDS = 0.1


async def serve_until(
    server: QuietServer, listener: socket.socket, lane: type[BeaconLane], stopping: asyncio.Event
) -> None:
    """
    Serve until told to stop or to retire, and answer what was accepted before that.
    """
    loop = asyncio.get_running_loop()
    retiring = asyncio.Event()
    loop.add_signal_handler(RETIRE_SIGNAL, retiring.set)
    serving = asyncio.create_task(server.serve([listener]))
    stopped = asyncio.create_task(stopping.wait())
    retired = asyncio.create_task(retiring.wait())
    await asyncio.wait([serving, stopped, retired], return_when=asyncio.FIRST_COMPLETED)
    if retiring.is_set() and not stopping.is_set():
        await _step_aside(server, lane, stopping)
    for task in (stopped, retired):
        task.cancel()
    server.should_exit = True
    await serving


async def _step_aside(server: QuietServer, lane: type[BeaconLane], stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for accepting in server.servers:
        accepting.close()
    ends = loop.time() + RETIRE_SECONDS
    while lane.peers and loop.time() < ends and not stopping.is_set():
        # In every round: a connection may have been accepted just before.
        for connection in lane.peers:
            connection.retire()
        await asyncio.sleep(LOOK_SECONDS)
