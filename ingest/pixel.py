"""
`GET /pixel.gif`: a pageview or event of a page that runs no script. A browser waits for an image and cannot read an
error, so the answer is always 200 and the image; what became of the hit is in the headers.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from ingest.answers import Answer, drop_headers
from ingest.collect import Collected, Collector, Headers
from ingest.decode import WireError, decode_value
from ingest.event import PAGEVIEW
from ingest.hit import DropReason, Hit
from ingest.pseudonymize import NoSalt

QUERY_BYTES_MAX = 16 * 1024
"""More than every field at its longest, percent-encoded."""
FIELDS_MAX = 64
FIELDS = ("d", "u", "r", "n")

IMAGE = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00"
    b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One transparent pixel, 43 bytes."""

_HEADERS = (
    (b"content-type", b"image/gif"),
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"no-store"),
)
PREFLIGHT = Answer(204, ((b"access-control-allow-origin", b"*"), (b"access-control-allow-methods", b"GET, HEAD")), b"")
NOT_ALLOWED = Answer(
    405, ((b"content-type", b"text/plain; charset=utf-8"), (b"allow", b"GET, HEAD, OPTIONS")), b"send a GET"
)


def pixel_answer(*reasons: DropReason) -> Answer:
    """
    Make the image, with the reasons for which the hit was dropped.
    """
    return Answer(200, (*_HEADERS, *drop_headers(reasons)) if reasons else _HEADERS, IMAGE)


NOT_KEPT = pixel_answer(DropReason.OVER_LIMIT)
"""The spool is full or there is no salt yet: no beacon is taken now, and an image cannot be sent again."""
_INVALID = pixel_answer(DropReason.INVALID)


def collect_pixel(collector: Collector, query: bytes, headers: Headers, peer: str, *, count: bool = True) -> Collected:
    """
    Answer one request for the pixel.

    Args:
        query: as sent: `d` site, `u` address of the page (missing: the Referer), `r` its referrer, `n` event name
            (missing: `pageview`).
        headers: names in lower case.
        peer: address of the other end of the connection.
        count: false for a HEAD, which no page sends: the same answer, and nothing is stored or counted.
    """
    try:
        hit = _hit(collector, query, headers, peer)
        if hit is None:
            raise WireError("request", "Content-Encoding is not supported")
        records, reasons, drops = collector.outcome(hit, headers=headers)
    except WireError:
        if count:
            collector.count((DropReason.INVALID,), ())
        return Collected(_INVALID, ())
    except NoSalt:
        return Collected(NOT_KEPT, ())
    if count:
        collector.count(reasons, drops)
    return Collected(pixel_answer(*reasons), records if count else ())


def _hit(collector: Collector, query: bytes, headers: Headers, peer: str) -> Hit | None:
    sent = _fields(query)
    if not sent.get("u"):
        sent["u"] = next((value.decode("latin-1") for name, value in headers if name == b"referer"), "")
    beacon = decode_value({"n": sent.get("n") or PAGEVIEW, "u": sent["u"], "d": sent.get("d"), "r": sent.get("r")})
    return collector.beacon_hit(beacon, headers, peer)


def _fields(query: bytes) -> dict[str, str]:
    """
    Read the query; of a field that is there twice the first counts.
    """
    if len(query) > QUERY_BYTES_MAX:
        raise WireError("request", f"query is longer than {QUERY_BYTES_MAX} bytes")
    try:
        pairs = parse_qsl(query.decode("latin-1"), encoding="utf-8", errors="replace", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise WireError("request", f"query has more than {FIELDS_MAX} fields") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in FIELDS:
            fields.setdefault(name, value)
    return fields
