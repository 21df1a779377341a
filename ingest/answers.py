"""
What goes back for a beacon: the answers, as every door gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ingest.hit import DropReason

BODY_BYTES_MAX = 64 * 1024
RETRY_AFTER_SECONDS = 5

CORS = (b"access-control-allow-origin", b"*")
NO_STORE = (b"cache-control", b"no-store")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")


class Answer(NamedTuple):
    """
    What goes back: a status, headers without content-length, and a body.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


ACCEPTED = Answer(202, (TEXT, CORS, NO_STORE), b"ok")
PREFLIGHT = Answer(
    204,
    (
        CORS,
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"content-type"),
        (b"access-control-max-age", b"86400"),
    ),
    b"",
)
NOT_ALLOWED = Answer(405, (TEXT, CORS, (b"allow", b"POST, OPTIONS")), b"send a POST")
TOO_LARGE = Answer(413, (JSON, CORS), b'{"errors":{"request":["body is larger than 65536 bytes"]}}')
ENCODED = Answer(415, (JSON, CORS), b'{"errors":{"request":["Content-Encoding is not supported, send plain JSON"]}}')

HEAD_TOO_LARGE = Answer(431, (TEXT,), b"the request's headers are too large\n")
TOO_MANY = Answer(503, (TEXT, (b"retry-after", b"5")), b"too many connections\n")
BROKEN = Answer(500, (TEXT, CORS), b"this beacon could not be read; it was not counted\n")


def unavailable(reason: str) -> Answer:
    """
    Make the answer for a beacon that cannot be kept now; the sender may try again.
    """
    body = msgspec.json.encode({"errors": {"request": [reason]}})
    return Answer(503, (JSON, CORS, (b"retry-after", b"%d" % RETRY_AFTER_SECONDS)), body)


def drop_headers(reasons: Sequence[DropReason]) -> tuple[tuple[bytes, bytes], ...]:
    """
    Tell in headers for how many sites a hit was dropped, and why.
    """
    distinct = ",".join(dict.fromkeys(reason.value for reason in reasons))
    return ((b"x-plausible-dropped", b"%d" % len(reasons)), (b"x-daysalt-dropped", distinct.encode("ascii")))


def partly(reasons: Sequence[DropReason]) -> Answer:
    """
    Make the answer to a beacon that some of its sites did not count.
    """
    return Answer(202, (*ACCEPTED.headers, *drop_headers(reasons)), ACCEPTED.body)


def rendered(answer: Answer, default: Sequence[tuple[bytes, bytes]], *, close: bool) -> bytes:
    """
    Write an answer out, byte for byte as uvicorn writes it.

    Args:
        default: headers that every answer begins with, such as the date.
        close: the connection ends after it.
    """
    end = b"connection: close\r\n\r\n" if close else b"\r\n"
    return b"%b%d\r\n%b%b" % (opening(answer, default), len(answer.body), end, answer.body)


def opening(answer: Answer, default: Sequence[tuple[bytes, bytes]]) -> bytes:
    """
    Write out how an answer begins, up to the length of its body.
    """
    parts = [STATUS_LINE[answer.status]]
    for name, value in (*default, *answer.headers):
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"content-length: ")
    return b"".join(parts)
