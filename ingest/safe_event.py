"""
Hop 4, the other half: what of an enriched hit goes into the safe record, and the random number it carries.
"""

from __future__ import annotations

from collections.abc import Callable

from ingest.event import Event
from ingest.hit import EnrichedHit
from ingest.pseudonymize import Visitor


def safe_event(
    enriched: EnrichedHit, site_id: int, visitor: Visitor, seed: int, received_day: int, event_id: bytes
) -> Event:
    """
    Make the record of a hit. Neither its address nor its user agent is in it.

    Args:
        seed: the visit id, should this event open a visit.
        received_day: days since 1970-01-01 UTC.
        event_id: hashes of its own id, or empty.
    """
    hit, page, agent, place, origin = enriched.hit, enriched.page, enriched.agent, enriched.place, enriched.origin
    amount, currency = ("", "") if hit.revenue is None else (format(hit.revenue[0], "f"), hit.revenue[1])
    return Event(
        site_id=site_id,
        day=visitor.day,
        ts=hit.received_ms // 1000,
        visitor_id=visitor.id,
        visit_seed=seed,
        name=hit.name,
        hostname=page.hostname,
        pathname=page.pathname,
        interactive=hit.interactive,
        scroll_depth=hit.scroll_depth,
        engagement_ms=hit.engagement_ms,
        props=dict(enriched.props),
        revenue_amount=amount,
        revenue_currency=currency,
        referrer=origin.referrer,
        source=origin.source,
        channel=origin.channel,
        utm_source=page.utm_source,
        utm_medium=page.utm_medium,
        utm_campaign=page.utm_campaign,
        utm_content=page.utm_content,
        utm_term=page.utm_term,
        click_id=page.click_id,
        country=place.country,
        region=place.region,
        city=place.city,
        browser=agent.browser,
        browser_version=agent.browser_version,
        os=agent.os,
        os_version=agent.os_version,
        device=agent.device,
        received_day=received_day,
        event_id=event_id,
    )


def signal_event(enriched: EnrichedHit, site_id: int, day: int, received_day: int, event_id: bytes) -> Event:
    """
    Make the record of a pageview that came with GPC or DNT: it adds one to the page and hour, and nothing else.
    """
    return Event(
        site_id=site_id,
        day=day,
        # To the hour: a lone visitor's pageviews cannot be strung together by their seconds.
        ts=enriched.hit.received_ms // 3_600_000 * 3600,
        visitor_id=0,
        visit_seed=0,
        name=enriched.hit.name,
        hostname=enriched.page.hostname,
        pathname=enriched.page.pathname,
        received_day=received_day,
        event_id=event_id,
    )


class VisitSeeds:
    """
    Random 64-bit numbers, drawn from the system in blocks: one call for 1,024 of them.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self.random_bytes = random_bytes
        self._seeds: list[bytes] = []

    def next(self) -> int:
        """
        Give a number that is not 0.
        """
        return int.from_bytes(self.next_bytes(), "big")

    def next_bytes(self) -> bytes:
        """
        Give eight bytes that are not all 0.
        """
        if not self._seeds:
            block = self.random_bytes(8192)
            self._seeds = [block[at : at + 8] for at in range(0, len(block), 8) if any(block[at : at + 8])] or [_ONE]
        return self._seeds.pop()


_ONE = bytes((0, 0, 0, 0, 0, 0, 0, 1))
