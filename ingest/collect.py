"""
Hop 1, collect: one request in, one answer out. The same function stands behind every door (ASGI now, the fast lane
next), so that all give the same answers. It does no input or output: the records it returns go to the spool, and the
answer leaves when they are safe.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import msgspec

from ingest.address import AddressTrust, client_address
from ingest.answers import (
    ACCEPTED,
    BODY_BYTES_MAX,
    CORS,
    ENCODED,
    JSON,
    NO_STORE,
    TOO_LARGE,
    Answer,
    partly,
    unavailable,
)
from ingest.counters import Counters
from ingest.decode import Beacon, WireError, decode
from ingest.enrich import EnrichTools, SiteRules, screen_and_enrich
from ingest.event import DropCount, Event
from ingest.hit import Dropped, DropReason, Hit
from ingest.plain_pageviews import PlainPageviews
from ingest.pseudonymize import NoSalt, Pseudonymizer
from ingest.request_visitors import RequestVisitors
from ingest.safe_event import VisitSeeds, safe_event, signal_event
from ingest.sightings import Sighting, Sightings, SightingSink
from ingest.spool.segment import encode_record
from warehouse.clock import Clock

DROP_KEYS_MAX = 50_000
"""Kinds of drops (site, hour, reason) held between two flushes; there are at most 16 reasons a site and hour."""

Headers = Sequence[tuple[bytes, bytes]]


class Collected(NamedTuple):
    """
    An answer, and the encoded records that must be safe before it may leave.
    """

    answer: Answer
    records: Sequence[bytes]


DropKey = tuple[int, int, str]
"""Site id, hour (epoch seconds UTC), reason."""


class Outcome(NamedTuple):
    """
    What becomes of one hit: encoded records of the sites that count it, and for each site that does not, why.

    `drops` are those of `reasons` that a site's owner is told about.
    """

    records: list[bytes]
    reasons: list[DropReason]
    drops: list[DropKey]


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
        self.clock = clock
        self.trust = trust
        self.tools = tools
        self._pseudonymizer = pseudonymizer
        self._ip_type_header = ip_type_header.encode("ascii")
        self._random_bytes = random_bytes
        self._seeds = VisitSeeds(random_bytes)
        self.counters = Counters()
        self.plain = PlainPageviews(trust, tools, pseudonymizer, self._seeds, self._ip_type_header, self.counters)
        self._sites: Mapping[str, SiteRules] = {}
        self._drops: dict[DropKey, int] = {}
        self.sightings = Sightings()

    def forget_expired(self) -> None:
        """
        Drop salts that are over, and with them whatever is remembered of the people of their day.
        """
        if self._pseudonymizer.forget_expired(self.clock.now_ms()):
            self.plain.forget()

    def install_sinks(self, sinks: Sequence[SightingSink]) -> None:
        """
        Tell these of every hit from now on, `sightings.hand_over` being called now and then.
        """
        self.sightings = Sightings(sinks)
        self.plain.sightings = self.sightings.wanted

    def install_sites(self, sites: Mapping[str, SiteRules]) -> None:
        """
        Take the sites to collect for, by site key; earlier names of a site may point to it, too.
        """
        self._sites = sites
        self.plain.install_sites(sites)

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
        record = self.plain_record(body, headers, peer)
        if record is not None:
            return Collected(ACCEPTED, (record,))
        return self.collect_long(body, headers, peer)

    def plain_record(self, body: bytes, headers: Headers, peer: str) -> bytes | None:
        """
        Make the record of a plain pageview, to be answered `ACCEPTED`; None when `collect_long` must decide.
        """
        return self.plain.record(body, headers, peer, self.clock.now_ms())

    def collect_long(self, body: bytes, headers: Headers, peer: str) -> Collected:
        """
        Answer any beacon, of at most `BODY_BYTES_MAX`; the way that alone says no.
        """
        self.counters.beacon_bytes += len(body)
        try:
            hit = self.beacon_hit(decode(body), headers, peer)
            if hit is None:
                return Collected(ENCODED, ())
            return self._answer(hit, headers)
        except WireError as error:
            if _is_encoded(headers):
                # A packed body reads as no JSON. Looked at only here, as a beacon that can be read is seldom packed.
                return Collected(ENCODED, ())
            return Collected(Answer(400, (JSON, CORS, NO_STORE), msgspec.json.encode(error.as_json())), ())
        except NoSalt:
            return Collected(unavailable("no salt for this site's day yet, send again"), ())

    def beacon_hit(self, beacon: Beacon, headers: Headers, peer: str) -> Hit | None:
        """
        Put a beacon and its request together; None when the request has a Content-Encoding.
        """
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
            received_ms=self.clock.now_ms(),
            address=client_address(peer, headers, self.trust),
            user_agent=user_agent.decode("latin-1"),
            ip_type=ip_type.decode("latin-1").strip(),
            signal=signal,
        )

    def site_named(self, domain: str) -> SiteRules | None:
        """
        Find a site by its key or an earlier one.
        """
        return self._sites.get(domain)

    def local_day(self, timezone: str, at_ms: int) -> int:
        """
        Tell the current local day of a time zone, in days since 1970-01-01.

        Raises:
            NoSalt: the keeper gave none for now.
        """
        return self._pseudonymizer.day_of(timezone, at_ms)

    def address_of(self, headers: Headers, peer: str) -> IPv4Address | IPv6Address:
        """
        Decide the address of whoever sent a request.
        """
        return client_address(peer, headers, self.trust)

    def visitors_at(self, received_ms: int) -> RequestVisitors:
        """
        Hash visitors of events that may have happened before they were received; for one request.
        """
        return RequestVisitors(self._pseudonymizer, received_ms, self._random_bytes)

    def sites_named(self, domains: Iterable[str], only_site: int | None) -> list[int]:
        """
        Give the ids of the sites known by these names, of one site only if `only_site` says so.
        """
        sites = (self._sites.get(domain) for domain in domains)
        return [site.id for site in sites if site is not None and only_site in (None, site.id)]

    def outcome(
        self,
        hit: Hit,
        *,
        visitors: RequestVisitors | None = None,
        received_ms: int | None = None,
        only_site: int | None = None,
        event_id: Callable[[int], bytes] | None = None,
        headers: Headers = (),
    ) -> Outcome:
        """
        Decide what becomes of a hit for each of its sites. Counts nothing yet: see `count`.

        Args:
            visitors: for a hit that says itself when it was; by default it was received now.
            received_ms: when it was received, if `hit.received_ms` is when it says it was.
            only_site: the one site the sender may send for; every other one is unknown to it.
            event_id: for an event that names itself: site id -> what its record carries of the name.
            headers: the visitor's own, for those who are told of the hit.

        Raises:
            WireError: the page's address cannot be read.
            NoSalt: there is no salt for its day.
        """
        # Who objected by hand is treated as who objects by a signal.
        if not hit.signal and self.plain.people.objections.holds(hit.address):
            hit = msgspec.structs.replace(hit, signal=True)
        records: list[bytes] = []
        reasons: list[DropReason] = []
        drops: list[DropKey] = []
        hour = hit.received_ms // 3_600_000 * 3600
        sightings = None if hit.signal else self.sightings.wanted
        for domain in hit.domains:
            site = self._sites.get(domain)
            if site is not None and only_site is not None and site.id != only_site:
                site = None
            outcome = (
                Dropped(DropReason.UNKNOWN_SITE)
                if site is None
                else self._event(hit, site, visitors, received_ms, event_id)
            )
            if isinstance(outcome, Dropped):
                reasons.append(outcome.reason)
                if site is not None:
                    drops.append((site.id, hour, outcome.reason.value))
            else:
                records.append(encode_record(outcome))
            if sightings is not None and site is not None:
                at_ms = hit.received_ms if received_ms is None else received_ms
                reason = outcome.reason if isinstance(outcome, Dropped) else None
                sightings.add(Sighting(at_ms, site.id, hit.address.packed, hit.user_agent, headers, hit, reason))
        return Outcome(records, reasons, drops)

    def count(self, reasons: Iterable[DropReason], drops: Iterable[DropKey]) -> None:
        """
        Count drops: `reasons` for the operator, `drops` for the sites' owners.
        """
        for reason in reasons:
            self.counters.dropped[reason.value] = self.counters.dropped.get(reason.value, 0) + 1
        for key in drops:
            if key in self._drops or len(self._drops) < DROP_KEYS_MAX:
                self._drops[key] = self._drops.get(key, 0) + 1

    def take_drops(self) -> list[bytes]:
        """
        Give the drops counted since the last call, as encoded records for the spool.
        """
        drops, self._drops = self._drops, {}
        return [encode_record(DropCount(*key, hits)) for key, hits in drops.items()]

    def _answer(self, hit: Hit, headers: Headers) -> Collected:
        records, reasons, drops = self.outcome(hit, headers=headers)
        # Counted only here: a refusal above (400, 503) must leave no trace of half a beacon.
        self.count(reasons, drops)
        return Collected(ACCEPTED if not reasons else partly(reasons), records)

    def _event(
        self,
        hit: Hit,
        site: SiteRules,
        visitors: RequestVisitors | None,
        received_ms: int | None,
        event_id: Callable[[int], bytes] | None,
    ) -> Event | Dropped:
        enriched = screen_and_enrich(hit, site, self.tools)
        if isinstance(enriched, Dropped):
            return enriched
        if enriched.scrubbed:
            self.counters.scrub(enriched.scrubbed)
        pseudonymizer = self._pseudonymizer if visitors is None else visitors
        received_day = (hit.received_ms if received_ms is None else received_ms) // 86_400_000
        carried = b"" if event_id is None else event_id(site.id)
        if hit.signal:
            day = pseudonymizer.day_of(site.timezone, hit.received_ms)
            return signal_event(enriched, site.id, day, received_day, carried)
        visitor = pseudonymizer.visitor(
            timezone=site.timezone,
            at_ms=hit.received_ms,
            site_id=site.id,
            address=hit.address,
            user_agent=hit.user_agent,
            domain=enriched.page.registrable_domain,
        )
        return safe_event(enriched, site.id, visitor, self._seeds.next(), received_day, carried)


def _is_encoded(headers: Headers) -> bool:
    return any(
        name == b"content-encoding" and value.strip().lower() not in (b"", b"identity") for name, value in headers
    )
