"""
The body of `POST /api/events` taken apart into events, or the answer that refuses it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from ingest.answers import JSON, NO_STORE, Answer
from ingest.decode import WireError, decode_json

EVENTS_MAX = 1000


def refusal(status: int, reason: str) -> Answer:
    """
    Make the answer to a request that is refused as a whole; nothing of it was kept.
    """
    return Answer(status, (JSON, NO_STORE), msgspec.json.encode({"errors": {"request": [reason]}}))


NEITHER = refusal(400, "body is neither a JSON array nor lines of JSON objects")
TOO_MANY = refusal(400, f"more than {EVENTS_MAX} events, send them in several requests")


def read_events(body: bytes) -> Sequence[object] | Answer:
    """
    Take a body apart: a JSON array, or objects one a line. Pure.

    Returns:
        The events, not yet looked at; a line that is no JSON comes as `WireError`. Or the answer that refuses it all.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        whole = decode_json(body)
    except WireError:
        return NEITHER if body.lstrip()[:1] == b"[" else _lines(body)
    if isinstance(whole, list):
        events = cast("list[object]", whole)
        return events if len(events) <= EVENTS_MAX else TOO_MANY
    # One line, perhaps written over several.
    return [cast("object", whole)] if isinstance(whole, dict) else NEITHER


def _lines(body: bytes) -> Sequence[object] | Answer:
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > EVENTS_MAX:
        return TOO_MANY
    events = [_line(line) for line in lines]
    return events if any(isinstance(event, dict) for event in events) else NEITHER


def _line(line: bytes) -> object:
    try:
        return decode_json(line)
    except WireError as error:
        return error
