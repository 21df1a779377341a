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

from collections.abc import Callable, Container, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from ingest.address import AddressTrust, address_in, parse_address
from ingest.counters import Counters
from ingest.decode import Beacon
from ingest.decode_plain import decode_plain, plain_beacon
from ingest.enrich import EnrichTools, SiteRules
from ingest.objections import Objections
from ingest.plain_heads import CONTENT_LENGTH, PlainHeads
from ingest.plain_pages import PlainPage, PlainPages
from ingest.plain_parts import NEVER, PlainAddress, PlainAgent, PlainSite, plain_agent
from ingest.pseudonymize import NoSalt, Pseudonymizer, address_part
from ingest.record_pieces import UINT64, last_piece, place_piece
from ingest.remembered import Remembered, SeenBefore
from ingest.safe_event import VisitSeeds
from ingest.sightings import SightingFields

BODIES_MAX = 10_000
ADDRESSES_MAX = 32_768
AGENTS_MAX = 5_000
"""Each of the two generations of what is remembered."""
BODY_BYTES_MAX = 1024
AGENT_BYTES_MAX = 512
ADDRESS_BYTES_MAX = 64
"""What is longer is rare, and not worth the memory."""

Headers = Sequence[tuple[bytes, bytes]]
_NO_ID = bytes(8)

Key = TypeVar("Key", bytes, str, tuple[str, str, str])


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
        self._counters = counters
        self._tools = tools
        self._pseudonymizer = pseudonymizer
        self._seeds = seeds
        self._sites: dict[str, PlainSite] = {}
        self._pages, self._seen_before = PlainPages(tools.spam_hosts), SeenBefore()
        self._bodies: Remembered[bytes, PlainPage] = Remembered(BODIES_MAX)
        self._named: Remembered[tuple[str, str, str], PlainPage] = Remembered(BODIES_MAX)
        self._forwarded: Remembered[bytes, PlainAddress] = Remembered(ADDRESSES_MAX)
        self._direct: Remembered[str, PlainAddress] = Remembered(ADDRESSES_MAX)
        self._agents: Remembered[bytes, PlainAgent] = Remembered(AGENTS_MAX)
        self._agent_texts: Remembered[str, PlainAgent] = Remembered(AGENTS_MAX)
        self._address_header, *others = (name.encode("ascii") for name in trust.headers or ("",))
        # A header that may change what becomes of a beacon: whoever sends one goes the long way.
        rare = {b"content-encoding", b"sec-gpc", b"dnt", ip_type_header, *others} - {b""}
        self._is_ordinary = frozenset(rare).isdisjoint
        self._heads = PlainHeads(rare)
        self.objections = Objections()
        self._second = self._received_day = self._place_revision = NEVER
        self._last_piece = b""
        self.see: Callable[[SightingFields], None] | None = None
        """Who is told of each hit, if anybody is."""

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

    def install_objections(self, objections: Objections) -> None:
        """
        Send the long way whoever objected, from now on.
        """
        self.objections = objections
        self._forwarded.forget()
        self._direct.forget()

    def forget_words(self) -> None:
        """
        Forget what was read by another list of sources or robots.
        """
        self._forget_pages()
        self._agents.forget()

    def _forget_pages(self) -> None:
        self._pages.forget()
        self._bodies.forget()
        self._named.forget()

    def forget(self) -> None:
        """
        Forget every address and user agent, as when a day is over.
        """
        self._forwarded.forget()
        self._direct.forget()
        self._agents.forget()
        self._agent_texts.forget()
        self._heads.forget()

    @property
    def remembered_people(self) -> int:
        """
        How many addresses and user agents are remembered, and lines that have them.
        """
        return sum(map(len, (self._forwarded, self._direct, self._agents, self._agent_texts, self._heads)))

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

    def request(
        self, data: bytes, first_lines: Container[bytes], peer: str, trusted: bool, now_ms: int
    ) -> bytes | None:
        """
        Make the record of one beacon from the bytes of its request, if they are one ordinary request and nothing else.

        Args:
            first_lines: the request lines of beacons, without line ends.
            trusted: whether the peer is a proxy of ours.
        """
        lines = data.split(b"\r\n")
        if lines[0] not in first_lines or len(lines) < 4:
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
        page = self._bodies.young.get(body) or self._page_of_body(body)
        if page is None:
            return None
        sent_agent = sent.get(b"user-agent", b"")
        agent = self._agents.young.get(sent_agent) or self._agent(sent_agent)
        if agent is None:
            return None
        forwarded = sent.get(self._address_header) if trusted else None
        if forwarded is None:
            address = self._direct.young.get(peer) or self._peer_address(peer)
        else:
            address = self._forwarded.young.get(forwarded) or self._forwarded_address(forwarded)
        if address is None:
            return None
        site, second = page.site, now_ms // 1000
        if (second != site.second or self._pseudonymizer.revision != site.salts) and not site.begin(
            self._pseudonymizer, now_ms
        ):
            record = self._near_midnight(page, address, agent, now_ms, headers)
        else:
            record = self._join(site, page, address, agent, now_ms, headers)
        if record is not None:
            self._counters.beacon_bytes += len(body)
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
        if (at_ms // 1000 != site.second or self._pseudonymizer.revision != site.salts) and not site.begin(
            self._pseudonymizer, at_ms
        ):
            return None
        if at_ms != now_ms:
            salt = self._pseudonymizer.quiet(site.rules.timezone, at_ms)
            if salt is None or not salt.from_ms <= now_ms < salt.until_ms:
                return None  # an event of a day that is over is nobody's of that day
        return self._join(site, page, address, agent, now_ms, headers)

    def _join(
        self, site: PlainSite, page: PlainPage, address: PlainAddress, agent: PlainAgent, now_ms: int, headers: Headers
    ) -> bytes | None:
        if now_ms // 1000 != self._second:
            self._begin_second(now_ms)
        assert site.keyed is not None
        keyed = site.keyed.copy()
        keyed.update(b"".join((site.part, address.part, agent.part, page.domain)))
        digest = keyed.digest()
        if digest == _NO_ID:
            return None  # 0 stands for no visitor; once in 2^64
        if self.see is not None:
            self.see((now_ms, site.rules.id, address.packed, agent.text, headers, page.beacon, None))
        return b"".join((
            site.head, UINT64, digest[::-1], UINT64, self._seeds.next_bytes(), page.piece, address.piece, agent.piece,
            self._last_piece,
        ))  # fmt: skip

    def _near_midnight(
        self, page: PlainPage, address: PlainAddress, agent: PlainAgent, now_ms: int, headers: Headers
    ) -> bytes | None:
        """
        Join the pieces within half an hour of midnight, when two salts may be asked; None when there is none.
        """
        if now_ms // 1000 != self._second:
            self._begin_second(now_ms)
        site = page.site
        message = b"".join((site.part, address.part, agent.part, page.domain))
        try:
            visitor = self._pseudonymizer.visitor_of(site.rules.timezone, now_ms, message)
        except NoSalt:
            return None
        if self.see is not None:
            self.see((now_ms, site.rules.id, address.packed, agent.text, headers, page.beacon, None))
        return b"".join((
            site.head_of(visitor.day, now_ms // 1000), UINT64, visitor.id.to_bytes(8), UINT64,
            self._seeds.next_bytes(), page.piece, address.piece, agent.piece, self._last_piece,
        ))  # fmt: skip

    def page(self, domain: str, url: str, referrer: str) -> PlainPage | None:
        """
        Find the page of a plain pageview that was decoded already.
        """
        key = (domain, url, referrer)
        found = self._named.young.get(key) or self._named.find(key)
        if found is not None or not (domain and url):
            return found
        return self._keep_page(self._named, key, plain_beacon(domain, url, referrer))

    def address(self, text: str) -> PlainAddress | None:
        """
        Find an address by its text; None when it is none.
        """
        return self._direct.young.get(text) or self._peer_address(text)

    def agent_named(self, text: str) -> PlainAgent | None:
        """
        Find a user agent by the text an event gives; None for a bot, and for what only checks a snippet.
        """
        found = self._agent_texts.young.get(text) or self._agent_texts.find(text)
        if found is None and len(text) <= AGENT_BYTES_MAX:
            # As the header of a beacon would have come in, so that both make the same visitor.
            found = self._agent(text.strip().encode("utf-8", "surrogatepass"))
            if found is not None:
                self._agent_texts.keep(text, found)
        return found

    def _page_of_body(self, body: bytes) -> PlainPage | None:
        found = self._bodies.find(body)
        if found is not None or len(body) > BODY_BYTES_MAX:
            return found
        return self._keep_page(self._bodies, body, decode_plain(body))

    def _keep_page(self, kept: Remembered[Key, PlainPage], key: Key, beacon: Beacon | None) -> PlainPage | None:
        if beacon is None or len(beacon.domains) != 1:
            return None
        site = self._sites.get(beacon.domains[0])
        found = site and self._pages.read(site, beacon)
        if found is not None and self._seen_before.again(key):
            kept.keep(key, found)
        return found

    def _forwarded_address(self, sent: bytes) -> PlainAddress | None:
        found = self._forwarded.find(sent)
        if found is not None or len(sent) > ADDRESS_BYTES_MAX:
            return found
        return self._keep_address(self._forwarded, sent, address_in(self._address_header.decode(), sent, self._trust))

    def _peer_address(self, text: str) -> PlainAddress | None:
        found = self._direct.find(text)
        if found is not None or len(text) > ADDRESS_BYTES_MAX:
            return found
        return self._keep_address(self._direct, text, parse_address(text))

    def _keep_address(
        self, kept: Remembered[Key, PlainAddress], key: Key, address: IPv4Address | IPv6Address | None
    ) -> PlainAddress | None:
        if address is None or self.objections.holds(address):
            return None
        place = self._tools.place.read(address)
        found = PlainAddress(address.packed, address_part(address), place_piece(place))
        kept.keep(key, found)
        return found

    def _agent(self, sent: bytes) -> PlainAgent | None:
        found = self._agents.find(sent)
        if found is not None or len(sent) > AGENT_BYTES_MAX:
            return found
        found = plain_agent(sent.decode("latin-1"))
        if found is not None:
            self._agents.keep(sent, found)
        return found

    def _begin_second(self, now_ms: int) -> None:
        self._second = now_ms // 1000
        received_day = now_ms // 86_400_000
        if received_day != self._received_day:
            self._received_day, self._last_piece = received_day, last_piece(received_day, b"")
        revision = self._tools.place.revision
        if revision != self._place_revision:
            # Another list of countries: what was looked up in the old one no longer holds.
            self._place_revision = revision
            self._forwarded.forget()
            self._direct.forget()
