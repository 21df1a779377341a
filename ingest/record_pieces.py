"""
The record of an event cut where its fields come from: the page, the place, the agent. Each piece is made once from the
same `Event` the long way makes, encoded, and joined again for every beacon that shares it.

Encoding thirty-six fields takes longer than everything else a beacon needs together; joining eight pieces does not.
"""

from __future__ import annotations

from operator import attrgetter

import msgspec

from ingest.event import PAGEVIEW, UNKNOWN_SCROLL_DEPTH, Event
from ingest.hit import Agent, Origin, Page, Place
from ingest.spool.segment import encode_record

_encode = msgspec.msgpack.Encoder().encode
_all_fields = attrgetter(*Event.__struct_fields__)

UINT64 = b"\xcf"
"""Before eight bytes, the highest first: how msgpack begins a large number."""


def head_piece(site_id: int, day: int, ts: int) -> bytes:
    """
    Encode what comes before the visitor id: the array's length and tag, site, day and second.
    """
    event = Event(site_id, day, ts, 1, 1, "", "", "")
    start = encode_record(event).removesuffix(_items(_all_fields(event)))
    return start + _items((site_id, day, ts))


def page_front(page: Page) -> bytes:
    """
    Encode a plain pageview's name and hostname, which come before its path.
    """
    return _items((PAGEVIEW, page.hostname))


def path_piece(pathname: str) -> bytes:
    """
    Encode the path.
    """
    return _encode(pathname)


def page_back(page: Page, origin: Origin) -> bytes:
    """
    Encode what comes after the path, to the click id: without properties, revenue, scroll depth.
    """
    return _items((
        True, UNKNOWN_SCROLL_DEPTH, 0, _NO_PROPS, "", "", origin.referrer, origin.source, origin.channel,
        page.utm_source, page.utm_medium, page.utm_campaign, page.utm_content, page.utm_term, page.click_id,
    ))  # fmt: skip


def place_piece(place: Place) -> bytes:
    """
    Encode country, region and city.
    """
    return _items((place.country, place.region, place.city))


def agent_piece(agent: Agent) -> bytes:
    """
    Encode browser, system and device.
    """
    return _items((agent.browser, agent.browser_version, agent.os, agent.os_version, agent.device))


def last_piece(received_day: int, event_id: bytes) -> bytes:
    """
    Encode the fields at the end: the day it was received, and what it carries of its own id.
    """
    return _items((received_day, event_id))


def _items(values: tuple[object, ...]) -> bytes:
    # Without the array's own header: one byte up to 15 items, three from 16 on.
    return _encode(values)[1 if len(values) < 16 else 3 :]


_NO_PROPS: dict[str, str] = {}
