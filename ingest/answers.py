"""
What goes back for a beacon: the answers, as every door gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

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
