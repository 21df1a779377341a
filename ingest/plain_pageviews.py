"""
Hops 2 to 4 for a plain pageview, in one step: the short way of `collect`.

Most beacons are pageviews of a known page from a known kind of browser, and what is derived of them was derived
before. The body gives the page's part of the record, the address the place's, the user agent the browser's; only the
moment, the visitor id and the visit's random number are new. Whatever is not plain gives None and goes the long way,
which alone decides about drops, signals, shields, missing salts and errors. `tests/ingest/test_plain_pageviews.py`
holds both ways together.

What is remembered is personal (addresses, user agents, pages as sent): in memory only, bounded, never written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from ingest.address import AddressTrust
from ingest.compiled import is_compiled
from ingest.counters import Counters
from ingest.decode import Beacon
from ingest.decode_plain import decode_plain, plain_beacon
from ingest.enrich import EnrichTools, SiteRules
from ingest.plain_heads import CONTENT_LENGTH, FRAMING, PlainHeads
from ingest.plain_pages import PlainPages
from ingest.plain_parts import NEVER, PlainSite
from ingest.plain_people import PlainPeople
from ingest.plain_pieces import Arrival, PlainAddress, PlainAgent, PlainPage
from ingest.pseudonymize import NoSalt, Pseudonymizer
from ingest.record_pieces import UINT64
from ingest.remembered import Remembered, SeenBefore
from ingest.safe_event import VisitSeeds
from ingest.sightings import SIGHTINGS_MAX, Sightings

if TYPE_CHECKING:
    from ingest.plain_native import PlainReader

BODIES_MAX = 10_000
ARRIVALS_MAX = 5_000
"""Each of the two generations of what is remembered."""
BODY_BYTES_MAX = 1024
"""What is longer is rare, and not worth the memory."""
FIELD_NAME_BYTES_MAX = 63
"""Of the fields the compiled way looks for."""

Headers = Sequence[tuple[bytes, bytes]]
_NO_ID = bytes(8)

Key = TypeVar("Key", bytes, tuple[str, str, str])


class PlainPageviews:
    """
    The short way of one collector.
    """

    def __init__(
        self,
        trust: AddressTrust,
        tools: EnrichTools,
        pseudonymizer: Pseudonymizer,
        seeds: VisitSeeds,
        ip_type_header: bytes,
        counters: Counters,
    ) -> None:
        self._trust = trust
        self.counters = counters
        self.pseudonymizer = pseudonymizer
        self.seeds = seeds
        self._sites: dict[str, PlainSite] = {}
        self._pages, self._seen_before = PlainPages(tools.spam_hosts), SeenBefore()
        self.bodies: Remembered[bytes, PlainPage] = Remembered(BODIES_MAX)
        self.named: Remembered[tuple[str, str, str], PlainPage] = Remembered(BODIES_MAX)
        self.arrivals: Remembered[bytes, Arrival] = Remembered(ARRIVALS_MAX)
        self.people = PlainPeople(trust, tools.place)
        # A header that may change what becomes of a beacon: whoever sends one goes the long way.
        rare = {b"content-encoding", b"sec-gpc", b"dnt", ip_type_header, *self.people.other_headers} - {b""}
        self._is_ordinary = frozenset(rare).isdisjoint
        self._heads = PlainHeads(rare)
        self._first_lines: frozenset[bytes] = frozenset()
        self._second = NEVER
        self._last_piece = b""
        self.sightings: Sightings | None = None
        """Who is told of each hit, if anybody is."""
        self.native = make_reader(self, FRAMING | rare)
        """The same compiled, for requests and batches; None where that could not be done."""

    @property
    def reader(self) -> PlainPageviews | PlainReader:
        """
        What makes records of requests: this, or the same compiled.
        """
        return self if self.native is None else self.native

    def install_first_lines(self, first_lines: frozenset[bytes]) -> None:
        """
        Take the request lines of beacons, without line ends.
        """
        self._first_lines = first_lines
        if self.native is not None:
            self.native.install_first_lines(first_lines)

    def install_sites(self, sites: Mapping[str, SiteRules]) -> None:
        """
        Take the sites, by site key, in place of all held before.
        """
        # Rules about addresses and countries want the long way's screens; so does whoever asks for a list of networks.
        plain = {
            name: rules
            for name, rules in sites.items()
            if not (rules.shields.addresses or rules.shields.networks or rules.shields.countries)
            and rules.datacenter == "keep"
        }
        states = {id(rules): PlainSite(rules) for rules in plain.values()}
        self._sites = {name: states[id(rules)] for name, rules in plain.items()}
        self._forget_pages()

    def forget_words(self) -> None:
        """
        Forget what was read by another list of sources or robots.
        """
        self._forget_pages()
        self.people.forget()

    def _forget_pages(self) -> None:
        self._pages.forget()
        self.bodies.forget()
        self.named.forget()
        self.arrivals.forget()

    def forget(self) -> None:
        """
        Forget every address and user agent, as when a day is over.
        """
        self.people.forget()
        self._heads.forget()

    @property
    def remembered_people(self) -> int:
        """
        How many addresses and user agents are remembered, and lines that have them.
        """
        return len(self.people) + len(self._heads)

    def record(self, body: bytes, headers: Headers, peer: str, now_ms: int) -> bytes | None:
        """
        Make the record of one beacon; None when it must go the long way.

        Args:
            headers: names in lower case.
            peer: address of the other end of the connection.
            now_ms: when it was received, epoch milliseconds UTC.
        """
        sent = dict(headers)
        if len(sent) != len(headers) or not self._is_ordinary(sent):
            return None
        return self._record(body, sent, headers, peer, self._trust.trusts(peer), now_ms)

    def request(self, data: bytes, peer: str, trusted: bool, now_ms: int) -> bytes | None:
        """
        Make the record of one beacon from the bytes of its request, if they are one ordinary request and nothing else.

        Args:
            trusted: whether the peer is a proxy of ours.
        """
        lines = data.split(b"\r\n")
        if lines[0] not in self._first_lines or len(lines) < 4:
            return None
        body = lines.pop()
        if lines.pop():
            return None  # the body has line ends, or not all of the head is there
        del lines[0]
        headers = self._heads.read(lines)
        if headers is None:
            return None
        sent = dict(headers)
        length = sent.get(CONTENT_LENGTH)
        if length is None or int(length) != len(body) or len(sent) != len(headers):
            return None
        return self._record(body, sent, headers, peer, trusted, now_ms)

    def _record(
        self, body: bytes, sent: dict[bytes, bytes], headers: Headers, peer: str, trusted: bool, now_ms: int
    ) -> bytes | None:
        page = self.bodies.young.get(body) or self.page_of_body(body)
        if page is None:
            return None
        people, sent_agent = self.people, sent.get(b"user-agent", b"")
        agent = people.agents.young.get(sent_agent) or people.agent(sent_agent)
        if agent is None:
            return None
        forwarded = sent.get(people.address_header) if trusted else None
        if forwarded is None:
            address = people.direct.young.get(peer) or people.address(peer)
        else:
            address = people.forwarded.young.get(forwarded) or people.address_forwarded(forwarded)
        if address is None:
            return None
        site, second = page.site, now_ms // 1000
        if (second != site.second or self.pseudonymizer.revision != site.salts) and not site.begin(
            self.pseudonymizer, now_ms
        ):
            record = self.near_midnight(page, address, agent, now_ms, headers)
        else:
            record = self._join(site, page, address, agent, now_ms, headers)
        if record is not None:
            self.counters.beacon_bytes += len(body)
        return record

    def assemble(
        self, page: PlainPage, address: PlainAddress, agent: PlainAgent, at_ms: int, now_ms: int, headers: Headers
    ) -> bytes | None:
        """
        Join the pieces; None when the moment is not plain: near midnight, or another day.

        Args:
            at_ms: when it happened; with `now_ms`, when it was received, in epoch milliseconds UTC.
        """
        site = page.site
        if (at_ms // 1000 != site.second or self.pseudonymizer.revision != site.salts) and not site.begin(
            self.pseudonymizer, at_ms
        ):
            return None
        if at_ms != now_ms:
            salt = self.pseudonymizer.quiet(site.rules.timezone, at_ms)
            if salt is None or not salt.from_ms <= now_ms < salt.until_ms:
                return None  # an event of a day that is over is nobody's of that day
        return self._join(site, page, address, agent, now_ms, headers)

    def _join(
        self, site: PlainSite, page: PlainPage, address: PlainAddress, agent: PlainAgent, now_ms: int, headers: Headers
    ) -> bytes | None:
        if now_ms // 1000 != self._second:
            self._second, self._last_piece = now_ms // 1000, self.people.begin_second(now_ms)
        assert site.keyed is not None
        keyed = site.keyed.copy()
        keyed.update(b"".join((site.part, address.part, agent.part, page.domain)))
        digest = keyed.digest()
        if digest == _NO_ID:
            return None  # 0 stands for no visitor; once in 2^64
        if self.sightings is not None:
            self.sightings.add((now_ms, site.id, address.packed, agent.text, headers, page.beacon, None))
        return b"".join((
            site.head, UINT64, digest[::-1], UINT64, self.seeds.next_bytes(), page.piece, address.piece, agent.piece,
            self._last_piece,
        ))  # fmt: skip

    def near_midnight(
        self,
        page: PlainPage,
        address: PlainAddress,
        agent: PlainAgent,
        now_ms: int,
        headers: Headers | bytes,
    ) -> bytes | None:
        """
        Join the pieces within half an hour of midnight, when two salts may be asked; None when there is none.

        Args:
            headers: or the request as it came.
        """
        site, last_piece = page.site, self.people.begin_second(now_ms)
        message = b"".join((site.part, address.part, agent.part, page.domain))
        try:
            visitor = self.pseudonymizer.visitor_of(site.rules.timezone, now_ms, message)
        except NoSalt:
            return None
        if self.sightings is not None:
            self.sightings.add((now_ms, site.id, address.packed, agent.text, headers, page.beacon, None))
        return b"".join((
            site.head_of(visitor.day, now_ms // 1000), UINT64, visitor.id.to_bytes(8), UINT64,
            self.seeds.next_bytes(), page.piece, address.piece, agent.piece, last_piece,
        ))  # fmt: skip

    def page(self, named: tuple[str, str, str]) -> PlainPage | None:
        """
        Find the page of a plain pageview that was decoded already.

        Args:
            named: domain, url and referrer.
        """
        found = self.named.young.get(named) or self.named.find(named)
        if found is not None or not (named[0] and named[1]):
            return found
        return self._keep_page(self.named, named, plain_beacon(*named))

    def page_of_body(self, body: bytes) -> PlainPage | None:
        """
        Find the page of a beacon's body; None when the long way must decide.
        """
        found = self.bodies.find(body)
        if found is not None or len(body) > BODY_BYTES_MAX:
            return found
        return self._keep_page(self.bodies, body, decode_plain(body))

    def arrival(self, key: bytes, domain: str, url: str, referrer: str) -> Arrival | None:
        """
        Find what a plain pageview shares with others, for the compiled way; None where another way decides.

        Args:
            key: what the compiled way remembers it by: all of the three but the path.
        """
        found = self.arrivals.find(key)
        if found is None:
            beacon = plain_beacon(domain, url, referrer)
            site = self._site_of(beacon)
            found = site and beacon and self._pages.arrival(site, beacon)
            if found is not None:
                self.arrivals.keep(key, found)
        return found

    def _keep_page(self, kept: Remembered[Key, PlainPage], key: Key, beacon: Beacon | None) -> PlainPage | None:
        site = self._site_of(beacon)
        found = site and beacon and self._pages.read(site, beacon)
        if found is not None and self._seen_before.again(key):
            kept.keep(key, found)
        return found

    def _site_of(self, beacon: Beacon | None) -> PlainSite | None:
        return self._sites.get(beacon.domains[0]) if beacon is not None and len(beacon.domains) == 1 else None


def make_reader(plain: PlainPageviews, rare: frozenset[bytes]) -> PlainReader | None:
    """
    Make the compiled way of a short way; None where it could not be compiled.
    """
    if not is_compiled() or max(map(len, (*rare, plain.people.address_header))) > FIELD_NAME_BYTES_MAX:
        return None
    from ingest.plain_native import PlainReader  # may not be there

    return PlainReader(
        plain, plain.people, plain.pseudonymizer, plain.counters, plain.seeds.random_bytes, rare, SIGHTINGS_MAX
    )
