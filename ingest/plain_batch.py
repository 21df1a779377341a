"""
The short way of a plain pageview that came in a batch, with its visitor's address and user agent: no beacon, hit or
event is made of it. Whatever is not plain gives None and goes the long way, see `ingest/batch.py`.
"""

from __future__ import annotations

from typing import cast

from ingest.batch_time import read_timestamp
from ingest.decode import WireError
from ingest.event import PAGEVIEW
from ingest.plain_pageviews import PlainPageviews

_FIELDS = frozenset({"n", "u", "d", "r", "v", "ip", "user_agent", "timestamp"})


def plain_event(plain: PlainPageviews, event: object, only_site: int | None, received_ms: int) -> bytes | None:
    """
    Make the record of one event of a batch; None when the long way must decide.

    Args:
        event: as parsed from JSON.
        only_site: the one site the sender may send for.
        received_ms: epoch milliseconds UTC.
    """
    if not isinstance(event, dict):
        return None
    fields = cast("dict[str, object]", event)
    if not fields.keys() <= _FIELDS or fields.get("n") != PAGEVIEW:
        return None
    get = fields.get
    url, domain, referrer = get("u"), get("d"), get("r") or ""
    ip, user_agent = get("ip"), get("user_agent")
    if not (
        isinstance(url, str)
        and isinstance(domain, str)
        and isinstance(referrer, str)
        and isinstance(ip, str)
        and isinstance(user_agent, str)
        and url
        and domain
    ):
        return None
    page = plain.page(domain, url, referrer)
    if page is None or (only_site is not None and page.site.rules.id != only_site):
        return None
    address = plain.address(ip)
    # As the header of a beacon would have come in, so that both make the same visitor.
    agent = plain.agent(user_agent.strip().encode("utf-8", "surrogatepass"))
    if address is None or agent is None:
        return None
    sent_time = get("timestamp")
    at_ms: int | None = received_ms
    if sent_time is not None:
        try:
            at_ms = read_timestamp(sent_time, received_ms)
        except WireError:
            return None
    return None if at_ms is None else plain.assemble(page, address, agent, at_ms, received_ms, ())
