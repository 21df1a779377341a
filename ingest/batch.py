"""
`POST /api/events`: many events in one request, from the site's own server or an importer, with a Bearer key.

Each event goes the way of a beacon; what only a batch may say is read here: when it happened, for whom, and an id
that makes sending it again harmless. Long requests give way to beacons every half a millisecond.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import cast

import msgspec

from ingest.address import parse_address
from ingest.answers import Answer, unavailable
from ingest.batch_body import EVENTS_MAX, JSON, NO_STORE, read_events, refusal
from ingest.batch_time import read_timestamp
from ingest.collect import Collected, Collector, DropKey, Headers, Outcome
from ingest.decode import Beacon, WireError, decode_value
from ingest.event_id_hashes import EventIdHasher
from ingest.hit import DropReason, Hit
from ingest.plain_batch import PlainEvents, plain_batch, plain_event, plain_sent
from ingest.pseudonymize import NoSalt
from ingest.request_visitors import RequestVisitors
from ingest.url import without_www
from warehouse.clock import Clock
from warehouse.registry.api_keys import ApiKey, ApiKeyRing

BODY_BYTES_MAX = 4 * 1024 * 1024
SLICE_EVENTS = 50
"""Events between two looks at the time."""
SLICE_SECONDS = 0.0005
"""
After so much work others have their turn. A turn costs some ten microseconds, as much as ten events of known visitors:
with one after every 50 events it was dearer than they were. Figures in docs/decisions.md.
"""
RECORD_BYTES_MAX = 12 * 1024 * 1024
"""Encoded records of one request. Only events for many sites each reach it: the rest is dropped, `over_limit`."""
DOMAINS_LOOKED_AT_MAX = 50
USER_AGENT_LENGTH_MAX = 4096
EVENT_ID_LENGTH_MAX = 255

# The sentences of the stats API, which clients know: dashboard/api/access.py.
MISSING_KEY = "Missing API key. Please use a valid Plausible API key as a Bearer Token."
INVALID_KEY = (
    "Invalid API key or site ID. "
    "Please make sure you're using a valid API key with access to the site you've requested."
)
NOT_ALLOWED = Answer(405, ((b"content-type", b"text/plain; charset=utf-8"), (b"allow", b"POST")), b"send a POST")


TOO_LARGE = refusal(413, f"body is larger than {BODY_BYTES_MAX} bytes")
ENCODED = refusal(415, "Content-Encoding is not supported, send plain JSON")
_NO_SALT = unavailable("no salt for a site's day yet, send again")
_FULL = unavailable("the spool is full, send again later")
FULL = Answer(
    _FULL.status, tuple(header for header in _FULL.headers if not header[0].startswith(b"access-")), _FULL.body
)


class BatchDrop(msgspec.Struct, omit_defaults=True):
    """
    What the answer says of an event that a site did not count.
    """

    index: int
    reason: str
    errors: dict[str, list[str]] | None = None


class BatchAnswer(msgspec.Struct):
    """
    The body of a 202: how many events were stored for at least one site, and which were dropped for one or more.
    """

    accepted: int
    dropped: list[BatchDrop]


@dataclass(slots=True, repr=False)
class _Progress:
    """
    What came of a request so far. Personal: it knows who sent it.
    """

    key: ApiKey
    address: IPv4Address | IPv6Address
    user_agent: str
    received_ms: int
    visitors: RequestVisitors
    records: list[bytes]
    record_bytes: int
    answer: BatchAnswer
    reasons: list[DropReason]
    drops: list[DropKey]


class Batch:
    """
    The batch endpoint of one collector.
    """

    def __init__(self, collector: Collector, clock: Clock, now: Callable[[], float] = time.perf_counter) -> None:
        """
        Args:
            now: seconds from any beginning, by which long requests give way.
        """
        self._collector = collector
        self._clock = clock
        self._now = now
        self._keys = ApiKeyRing()
        self.event_ids = EventIdHasher()

    def install_keys(self, keys: ApiKeyRing) -> None:
        """
        Take the keys to believe, in place of all held before.
        """
        self._keys = keys

    def admit(self, headers: Headers) -> ApiKey | Answer:
        """
        Decide by the headers alone whether a body is read at all.
        """
        sent = dict(headers)
        scheme, _, plain = sent.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not plain.strip():
            return _unauthorized(MISSING_KEY)
        key = self._keys.find(plain.strip())
        if key is None or not key.allows("ingest", key.site_id):
            return _unauthorized(INVALID_KEY)
        if sent.get(b"content-encoding", b"").strip().lower() not in (b"", b"identity"):
            return ENCODED
        length = sent.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > BODY_BYTES_MAX:
            return TOO_LARGE
        return key

    async def collect(self, key: ApiKey, body: bytes, headers: Headers, peer: str) -> Collected:
        """
        Answer one request that was admitted.

        Args:
            key: what `admit` gave.
            body: at most one byte more than `BODY_BYTES_MAX`.
            peer: address of the other end of the connection.
        """
        if len(body) > BODY_BYTES_MAX:
            return Collected(TOO_LARGE, ())
        plain = plain_batch(self._collector.plain, body)
        if plain is not None and not 0 < len(plain) <= EVENTS_MAX:
            plain = None
        sent: Sequence[object] | Answer | None = None if plain is not None else read_events(body)
        """All events as the long way reads them, once one of a plain batch needs it."""
        if isinstance(sent, Answer):
            return Collected(sent, ())
        received_ms = self._clock.now_ms()
        progress = _Progress(
            key=key,
            address=self._collector.address_of(headers, peer),
            user_agent=next((value.decode("latin-1") for name, value in headers if name == b"user-agent"), ""),
            received_ms=received_ms,
            visitors=self._collector.visitors_at(received_ms),
            records=[],
            record_bytes=0,
            answer=BatchAnswer(0, []),
            reasons=[],
            drops=[],
        )
        try:
            at, count, began = 0, len(plain if plain is not None else sent or ()), self._now()
            while at < count:
                stop = min(at - at % SLICE_EVENTS + SLICE_EVENTS, count)
                if plain is not None:
                    at = _take_events(progress, plain, at, stop)
                if at < stop:
                    sent = sent or read_events(body)
                    assert not isinstance(sent, Answer)
                    if not self._take_plain(progress, sent[at]):
                        self._take(progress, at, sent[at])
                    at += 1
                if at == stop and self._now() - began > SLICE_SECONDS:
                    await asyncio.sleep(0)
                    began = self._now()
        except NoSalt:
            return Collected(_NO_SALT, ())
        self._collector.count(progress.reasons, progress.drops)
        answer = Answer(202, (JSON, NO_STORE), msgspec.json.encode(progress.answer))
        return Collected(answer, progress.records)

    def _take_plain(self, progress: _Progress, event: object) -> bool:
        sent = plain_sent(event)
        if sent is None or progress.record_bytes >= RECORD_BYTES_MAX:
            return False
        record = plain_event(self._collector.plain, sent, progress.key.site_id, progress.received_ms)
        if record is None:
            return False
        progress.answer.accepted += 1
        progress.records.append(record)
        progress.record_bytes += len(record)
        return True

    def _take(self, progress: _Progress, index: int, event: object) -> None:
        try:
            if isinstance(event, WireError):
                raise event
            beacon = decode_value(event)
            at_ms = read_timestamp(beacon.timestamp, progress.received_ms)
            hit = _hit(progress, beacon, progress.received_ms if at_ms is None else at_ms)
            if at_ms is None:
                outcome = self._refused(progress, hit.domains, DropReason.TIMESTAMP)
            elif progress.record_bytes >= RECORD_BYTES_MAX:
                outcome = self._refused(progress, hit.domains, DropReason.OVER_LIMIT)
            else:
                outcome = self._collector.outcome(
                    hit,
                    visitors=progress.visitors,
                    received_ms=progress.received_ms,
                    only_site=progress.key.site_id,
                    event_id=self._event_id(beacon, progress.received_ms),
                )
        except WireError as error:
            outcome = self._refused(progress, _domains_of(event), DropReason.INVALID)
            progress.answer.dropped.append(BatchDrop(index, DropReason.INVALID.value, error.errors))
        else:
            if outcome.reasons:
                reasons = dict.fromkeys(reason.value for reason in outcome.reasons)
                progress.answer.dropped.extend(BatchDrop(index, reason) for reason in reasons)
        if outcome.records:
            progress.answer.accepted += 1
            progress.records += outcome.records
            progress.record_bytes += sum(map(len, outcome.records))
        if outcome.reasons:
            progress.reasons += outcome.reasons
            progress.drops += outcome.drops

    def _event_id(self, beacon: Beacon, received_ms: int) -> Callable[[int], bytes] | None:
        sent = beacon.event_id
        if sent is None:
            return None
        if isinstance(sent, int) and not isinstance(sent, bool):
            sent = str(sent)
        if not isinstance(sent, str) or not 0 < len(sent) <= EVENT_ID_LENGTH_MAX:
            raise WireError("event_id", f"should be text of 1 to {EVENT_ID_LENGTH_MAX} character(s)")
        return lambda site_id: self.event_ids.carried(site_id, sent, received_ms)

    def _refused(self, progress: _Progress, domains: Sequence[str], reason: DropReason) -> Outcome:
        """
        Drop an event whole; the owners of the sites it names are told, as far as the key may speak for them.
        """
        sites = self._collector.sites_named(domains, progress.key.site_id)
        hour = progress.received_ms // 3_600_000 * 3600
        return Outcome([], [reason], [(site, hour, reason.value) for site in sites])


def _take_events(progress: _Progress, plain: PlainEvents, first: int, last: int) -> int:
    """
    Take plain events until one must go another way; give its place.
    """
    if progress.record_bytes >= RECORD_BYTES_MAX:
        return first
    records: list[bytes] = []
    at = plain.take(first, last, records, progress.key.site_id, progress.received_ms)
    progress.answer.accepted += len(records)
    progress.records += records
    progress.record_bytes += sum(map(len, records))
    return at


def _hit(progress: _Progress, beacon: Beacon, at_ms: int) -> Hit:
    """
    Put an event and its request together: what the event does not say itself is the sender's, as with a beacon.

    Raises:
        WireError: address or user agent cannot be read.
    """
    address, user_agent = progress.address, progress.user_agent
    if beacon.ip is not None:
        found = parse_address(beacon.ip) if isinstance(beacon.ip, str) else None
        if found is None:
            raise WireError("ip", "is not an IP address")
        address = found
    if beacon.user_agent is not None:
        if not isinstance(beacon.user_agent, str) or len(beacon.user_agent) > USER_AGENT_LENGTH_MAX:
            raise WireError("user_agent", f"should be text of at most {USER_AGENT_LENGTH_MAX} character(s)")
        # As the same header would have come in with a beacon, so that both make the same visitor.
        user_agent = beacon.user_agent.strip().encode("utf-8", "surrogatepass").decode("latin-1")
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
        received_ms=at_ms,
        address=address,
        user_agent=user_agent,
        # An edge's verdict is on the connection, which is the sender's and no visitor's.
        ip_type="",
        # Likewise a signal: only the event itself can say that its visitor sent one.
        signal=beacon.gpc,
    )


def _domains_of(event: object) -> list[str]:
    """
    Find the sites that an event names which cannot be read as a whole.
    """
    if not isinstance(event, dict):
        return []
    fields = cast("dict[str, object]", event)
    sent = fields.get("d") or fields.get("domain")
    parts = sent.split(",", DOMAINS_LOOKED_AT_MAX)[:DOMAINS_LOOKED_AT_MAX] if isinstance(sent, str) else []
    return [without_www(part.strip().lower()) for part in parts]


def _unauthorized(text: str) -> Answer:
    headers = (JSON, NO_STORE, (b"www-authenticate", b"Bearer"))
    return Answer(401, headers, msgspec.json.encode({"error": text}))
