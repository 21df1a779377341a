"""
The load generator for machines without wrk: keep-alive connections, one request at a time on each, no pipelining.

`python -m loadtests.python_load PORT CONNECTIONS SECONDS SEED` prints one line of JSON. It costs more than a bare
application does, so its ratios are too small: with one core for it, it tells that nothing broke, not how fast it is.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from loadtests.beacons import draw


class Connection(asyncio.Protocol):
    """
    Sends the next beacon when the answer to the last one is whole.
    """

    def __init__(self, requests: list[bytes], first: int, ends: float, statuses: dict[str, int]) -> None:
        self._requests = requests
        self._next = first
        self._ends = ends
        self._statuses = statuses
        self._read = b""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, gap, body = self._read.partition(b"\r\n\r\n")
        if not gap:
            return
        marker = head.lower().find(b"content-length:")
        size = int(head[marker + 15 :].split(b"\r\n", 1)[0]) if marker >= 0 else 0
        if len(body) < size:
            return
        status = head[9:12].decode()
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._read = b""
        if time.monotonic() >= self._ends:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(self) -> None:
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1


async def load(port: int, connections: int, seconds: float, seed: int) -> tuple[dict[str, int], float]:
    """
    Load a server on this machine.

    Returns:
        Answers by status, and the seconds it took.
    """
    requests = [_request(port, headers, body) for headers, body in draw(seed)]
    statuses: dict[str, int] = {}
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda number=number: Connection(requests, number * 61, began + seconds, statuses), "127.0.0.1", port
        )
        for number in range(connections)
    ]
    await asyncio.gather(*(connection.closed for _, connection in opened))
    return statuses, time.monotonic() - began


def _request(port: int, headers: dict[str, str], body: str) -> bytes:
    fields = {"Host": f"127.0.0.1:{port}", **headers, "Content-Length": str(len(body))}
    lines = ["POST /api/event HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", body]
    return "\r\n".join(lines).encode()


if __name__ == "__main__":
    chosen = [int(argument) for argument in sys.argv[1:5]]
    found, took = uvloop.run(load(*chosen))
    print(json.dumps({"statuses": found, "seconds": took}))
