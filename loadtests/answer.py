"""
Reads HTTP answers out of what a connection received. Knows as much of HTTP as a collector's answers need: a status,
Content-Length, no chunks.
"""

from __future__ import annotations

import json
from typing import NamedTuple


class Answer(NamedTuple):
    """
    One whole answer.
    """

    size: int
    """Bytes of head and body."""
    status: int
    dropped: int
    """Sites or events that were not counted."""
    accepted: int | None
    """Events accepted, where the body says so (a batch's does); None otherwise."""
    closes: bool


def read_answer(data: bytes) -> Answer | None:
    """
    Read the first answer of `data`; None while it is not whole.

    Raises:
        ValueError: not an HTTP answer.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = data[:end].split(b"\r\n")
    if not lines[0].startswith(b"HTTP/1."):
        raise ValueError("not an HTTP answer")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    status = int(lines[0][9:12])
    size = end + 4 + int(fields.get(b"content-length", b"0"))
    if len(data) < size:
        return None
    dropped = int(fields.get(b"x-plausible-dropped", b"0"))
    accepted: int | None = None
    if status == 202 and data[end + 4 : end + 5] == b"{":
        told = json.loads(data[end + 4 : size])
        accepted, dropped = int(told["accepted"]), len(told.get("dropped", ()))
    return Answer(size, status, dropped, accepted, fields.get(b"connection", b"").lower() == b"close")
