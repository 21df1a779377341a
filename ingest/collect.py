"""
Hop 1, collect: one request in, one answer out. The same function stands behind every door (ASGI now, the fast lane
next), so that all give the same answers. It does no input or output: the records it returns go to the spool, and the
answer leaves when they are safe.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from ingest.address import AddressTrust, client_address
from ingest.decode import Beacon, WireError, decode
from ingest.enrich import EnrichTools, SiteRules, screen_and_enrich
from ingest.event import DropCount, Event
from ingest.hit import Dropped, DropReason, EnrichedHit, Hit
from ingest.pseudonymize import NoSalt, Pseudonymizer
from ingest.spool.segment import encode_record
from warehouse.clock import Clock

BODY_BYTES_MAX = 64 * 1024
DROP_KEYS_MAX = 50_000
"""Kinds of drops (site, hour, reason) held between two flushes; there are at most 16 reasons a site and hour."""
RETRY_AFTER_SECONDS = 5

Headers = Sequence[tuple[bytes, bytes]]

_CORS = (b"access-control-allow-origin", b"*")
_NO_STORE = (b"cache-control", b"no-store")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_JSON = (b"content-type", b"application/json")


class Answer(NamedTuple):
    """
    What goes back: a status, headers without content-length, and a body.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Collected(NamedTuple):
    """
    An answer, and the encoded records that must be safe before it may leave.
    """

    answer: Answer
    records: Sequence[bytes]


ACCEPTED = Answer(202, (_TEXT, _CORS, _NO_STORE), b"ok")
PREFLIGHT = Answer(
    204,
    (
        _CORS,
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"content-type"),
        (b"access-control-max-age", b"86400"),
    ),
    b"",
)
NOT_ALLOWED = Answer(405, (_TEXT, _CORS, (b"allow", b"POST, OPTIONS")), b"send a POST")
TOO_LARGE = Answer(413, (_JSON, _CORS), b'{"errors":{"request":["body is larger than 65536 bytes"]}}')
ENCODED = Answer(415, (_JSON, _CORS), b'{"errors":{"request":["Content-Encoding is not supported, send plain JSON"]}}')


def unavailable(reason: str) -> Answer:
    """
    Make the answer for a beacon that cannot be kept now; the sender may try again.
    """
    body = msgspec.json.encode({"errors": {"request": [reason]}})
    return Answer(503, (_JSON, _CORS, (b"retry-after", b"%d" % RETRY_AFTER_SECONDS)), body)


@dataclass(slots=True)
class Counters:
    """
    What this collector did since it started; no site, no address, no path.
    """

    accepted: int = 0
    beacon_bytes: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])


class Collector:
    """
    Everything one collector process needs to answer a beacon.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        trust: AddressTrust,
        tools: EnrichTools,
        pseudonymizer: Pseudonymizer,
        ip_type_header: str = "",
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """
        Args:
            ip_type_header: header, in lower case, in which a trusted edge gives its verdict on the address; or empty.
            random_bytes: where visit ids come from.
        """
        self._clock = clock
        self._trust = trust
        self._tools = tools
        self._pseudonymizer = pseudonymizer
        self._ip_type_header = ip_type_header.encode("ascii")
        self._seeds = _Seeds(random_bytes)
        self._sites: Mapping[str, SiteRules] = {}
        self._drops: dict[tuple[int, int, str], int] = {}
        self.counters = Counters()

    def install_sites(self, sites: Mapping[str, SiteRules]) -> None:
        """
        Take the sites to collect for, by site key; earlier names of a site may point to it, too.
        """
        self._sites = sites

    def collect(self, body: bytes, headers: Headers, peer: str) -> Collected:
        """
        Answer one `POST /api/event`.

        Args:
            body: at most one byte more than `BODY_BYTES_MAX`; the doors stop reading there.
            headers: names in lower case.
            peer: address of the other end of the connection.
        """
        if len(body) > BODY_BYTES_MAX:
            return Collected(TOO_LARGE, ())
        self.counters.beacon_bytes += len(body)
        try:
            hit = self._hit(decode(body), headers, peer)
            if hit is None:
                return Collected(ENCODED, ())
            return self._answer(hit)
        except WireError as error:
            return Collected(Answer(400, (_JSON, _CORS, _NO_STORE), msgspec.json.encode(error.as_json())), ())
        except NoSalt:
            return Collected(unavailable("no salt for this site's day yet, send again"), ())

    def take_drops(self) -> list[bytes]:
        """
        Give the drops counted since the last call, as encoded records for the spool.
        """
        drops, self._drops = self._drops, {}
        return [encode_record(DropCount(*key, hits)) for key, hits in drops.items()]

    def _hit(self, beacon: Beacon, headers: Headers, peer: str) -> Hit | None:
        user_agent = b""
        signal = beacon.gpc
        ip_type = b""
        for name, value in headers:
            if name == b"user-agent":
                user_agent = value
            elif name in (b"sec-gpc", b"dnt"):
                signal = signal or value.strip() == b"1"
            elif name == b"content-encoding":
                if value.strip().lower() not in (b"", b"identity"):
                    return None
            elif name == self._ip_type_header and name:
                ip_type = value
        return Hit(
            name=beacon.name,
            url=beacon.url,
            domains=beacon.domains,
            referrer=beacon.referrer,
            props=beacon.props,
            hash_mode=beacon.hash_mode,
            revenue=beacon.revenue,
            interactive=beacon.interactive,
            scroll_depth=beacon.scroll_depth,
            engagement_ms=beacon.engagement_ms,
            received_ms=self._clock.now_ms(),
            address=client_address(peer, headers, self._trust),
            user_agent=user_agent.decode("latin-1"),
            ip_type=ip_type.decode("latin-1").strip(),
            signal=signal,
        )

    def _answer(self, hit: Hit) -> Collected:
        records: list[bytes] = []
        reasons: list[DropReason] = []
        drops: list[tuple[int, int, str]] = []
        hour = hit.received_ms // 3_600_000 * 3600
        for domain in hit.domains:
            site = self._sites.get(domain)
            outcome = Dropped(DropReason.UNKNOWN_SITE) if site is None else self._event(hit, site)
            if isinstance(outcome, Dropped):
                reasons.append(outcome.reason)
                if site is not None:
                    drops.append((site.id, hour, outcome.reason.value))
            else:
                records.append(encode_record(outcome))
        # Counted only here: a refusal above (400, 503) must leave no trace of half a beacon.
        for reason in reasons:
            self.counters.dropped[reason.value] = self.counters.dropped.get(reason.value, 0) + 1
        for key in drops:
            if key in self._drops or len(self._drops) < DROP_KEYS_MAX:
                self._drops[key] = self._drops.get(key, 0) + 1
        return Collected(ACCEPTED if not reasons else _partly(reasons), records)

    def _event(self, hit: Hit, site: SiteRules) -> Event | Dropped:
        enriched = screen_and_enrich(hit, site, self._tools)
        if isinstance(enriched, Dropped):
            return enriched
        if hit.signal:
            return self._signal_event(enriched, site)
        visitor = self._pseudonymizer.visitor(
            timezone=site.timezone,
            at_ms=hit.received_ms,
            site_id=site.id,
            address=hit.address,
            user_agent=hit.user_agent,
            domain=enriched.page.registrable_domain,
        )
        page, agent, place, origin = enriched.page, enriched.agent, enriched.place, enriched.origin
        amount, currency = ("", "") if hit.revenue is None else (format(hit.revenue[0], "f"), hit.revenue[1])
        return Event(
            site_id=site.id,
            day=visitor.day,
            ts=hit.received_ms // 1000,
            visitor_id=visitor.id,
            visit_seed=self._seeds.next(),
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
            received_day=hit.received_ms // 86_400_000,
        )

    def _signal_event(self, enriched: EnrichedHit, site: SiteRules) -> Event:
        # Whoever sends GPC or DNT adds one to the page and hour, and nothing else: no id, no source, no place.
        hit = enriched.hit
        return Event(
            site_id=site.id,
            day=self._pseudonymizer.day_of(site.timezone, hit.received_ms),
            # To the hour: a lone visitor's pageviews cannot be strung together by their seconds.
            ts=hit.received_ms // 3_600_000 * 3600,
            visitor_id=0,
            visit_seed=0,
            name=hit.name,
            hostname=enriched.page.hostname,
            pathname=enriched.page.pathname,
            received_day=hit.received_ms // 86_400_000,
        )


def _partly(reasons: Sequence[DropReason]) -> Answer:
    distinct = ",".join(dict.fromkeys(reason.value for reason in reasons))
    told = ((b"x-plausible-dropped", b"%d" % len(reasons)), (b"x-daysalt-dropped", distinct.encode("ascii")))
    return Answer(202, (*ACCEPTED.headers, *told), ACCEPTED.body)


class _Seeds:
    """
    Random 64-bit numbers, drawn from the system in blocks: one call for 1,024 of them.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._block = b""
        self._at = 0

    def next(self) -> int:
        if self._at >= len(self._block):
            self._block, self._at = self._random_bytes(8192), 0
        seed = int.from_bytes(self._block[self._at : self._at + 8], "little")
        self._at += 8
        return seed or 1
