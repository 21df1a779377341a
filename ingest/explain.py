"""
`POST /api/debug/event`: what would become of a beacon, told to whoever holds a key with scope `ingest`. Stores nothing,
counts nothing, and tells no sink of the hit.

The address is in the answer and nowhere else: the asker sent it. The visitor's id is not: it would tell, for any
address one can name, whether it was here today.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ingest.address_reason import explain_address
from ingest.answers import BODY_BYTES_MAX, ENCODED, JSON, NO_STORE, TOO_LARGE, Answer, unavailable
from ingest.collect import Collector, Headers
from ingest.decode import WireError, decode, decode_json
from ingest.enrich import screen_and_enrich
from ingest.event import ENGAGEMENT, PAGEVIEW, UNKNOWN_SCROLL_DEPTH, Event
from ingest.hit import Dropped, DropReason, EnrichedHit, Hit
from ingest.pseudonymize import NoSalt, Visitor
from ingest.safe_event import safe_event, signal_event

HIDDEN = frozenset({"site_id", "visitor_id", "visit_seed", "event_id"})
"""Of a record: numbers that mean nothing to a reader, and those that would tell whether somebody was here."""


def explain(collector: Collector, body: bytes, headers: Headers, peer: str, only_site: int | None) -> Answer:
    """
    Answer one request that brought a key.

    Args:
        body: a beacon's, at most one byte more than `BODY_BYTES_MAX`.
        headers: names in lower case, as they would come with the beacon.
        peer: address of the other end of the connection.
        only_site: the one site the key is for; None for all.
    """
    if len(body) > BODY_BYTES_MAX:
        return TOO_LARGE
    try:
        hit = collector.beacon_hit(decode(body), headers, peer)
        if hit is None:
            return ENCODED
        sites = [_site(collector, domain, hit, only_site) for domain in hit.domains]
    except WireError as error:
        return Answer(400, (JSON, NO_STORE), msgspec.json.encode(error.as_json()))
    except NoSalt:
        return unavailable("no salt for this site's day yet, send again")
    address, why = explain_address(peer, headers, collector.trust)
    answer = {
        "stored": False,
        "address": {"used": str(address), "peer": peer, "why": why},
        "request": _request(hit, body),
        "sites": sites,
    }
    return Answer(200, (JSON, NO_STORE), msgspec.json.encode(answer))


def _request(hit: Hit, body: bytes) -> dict[str, Any]:
    sent = decode_json(body)
    return {
        "name": hit.name,
        "domains": hit.domains,
        "referrer": hit.referrer,
        "props": hit.props,
        "revenue": None if hit.revenue is None else [format(hit.revenue[0], "f"), hit.revenue[1]],
        "interactive": hit.interactive,
        "hash_mode": hit.hash_mode,
        "signal": hit.signal,
        "address_verdict": hit.ip_type,
        "tracker_script_version": sent.get("v") if isinstance(sent, dict) else None,
    }


def _site(collector: Collector, domain: str, hit: Hit, only_site: int | None) -> dict[str, Any]:
    site = collector.site_named(domain)
    if site is None or only_site not in (None, site.id):
        return _dropped(domain, DropReason.UNKNOWN_SITE)
    enriched = screen_and_enrich(hit, site, collector.tools)
    if isinstance(enriched, Dropped):
        return _dropped(domain, enriched.reason)
    day = collector.local_day(site.timezone, hit.received_ms)
    return {
        "domain": domain,
        "dropped": None,
        "event": _event(enriched, site.id, day),
        "replaced": [kind.value for kind in enriched.scrubbed],
        "notes": list(_notes(enriched)),
    }


def _dropped(domain: str, reason: DropReason) -> dict[str, Any]:
    return {"domain": domain, "dropped": reason.value, "event": None, "replaced": [], "notes": []}


def _event(enriched: EnrichedHit, site_id: int, day: int) -> dict[str, Any]:
    received_day = enriched.hit.received_ms // 86_400_000
    event: Event = (
        signal_event(enriched, site_id, day, received_day, b"")
        if enriched.hit.signal
        else safe_event(enriched, site_id, Visitor(0, day), 0, received_day, b"")
    )
    fields = msgspec.structs.asdict(event)
    if event.name != ENGAGEMENT and event.scroll_depth == UNKNOWN_SCROLL_DEPTH:
        fields["scroll_depth"] = None
    return {name: value for name, value in fields.items() if name not in HIDDEN}


def _notes(enriched: EnrichedHit) -> list[str]:
    if enriched.hit.signal:
        return ["GPC or DNT was sent: it adds one to the page and hour, and no visitor or visit is made."]
    if enriched.hit.name == ENGAGEMENT:
        return ["An engagement counts only if its visitor has a visit within 30 minutes; the drain decides (no_visit)."]
    if enriched.hit.name == PAGEVIEW:
        return ["Source, campaign, place and device count if this opens a visit; later events take the visit's."]
    return []
