"""
Actors of the trial: who sends, from which addresses, with which label, and the hits they send.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Literal

from daysalt.trial.browsers import Browser
from ingest.decode import Beacon
from ingest.event import ENGAGEMENT, PAGEVIEW
from ingest.hit import DropReason
from ingest.risk.evidence import NetworkFacts
from ingest.sightings import Sighting

Label = Literal["person", "program", "agent"]
"""An agent is a program that acts for a person who asked it to: reported, and in no figure."""

SITE = 1
SITE_HOST = "https://shop.example"
HOME = NetworkFacts(known=True, asn=3301, organisation="Example Broadband", country="SE")
MOBILE = NetworkFacts(known=True, asn=1257, organisation="Example Mobile", country="SE")
HOSTING = NetworkFacts(known=True, kind="hosting", asn=64500, organisation="Example Cloud", country="DE")
VPN = NetworkFacts(known=True, kind="vpn", asn=64501, organisation="Example VPN", country="NL")
TOR = NetworkFacts(known=True, kind="tor", asn=64502, organisation="Example Relays", country="DE")
CRAWLER = NetworkFacts(known=True, kind="crawler", asn=64503, organisation="Example Search", country="US")


@dataclass(slots=True)
class Script:
    """
    What is played: sightings in no order, and for each address what it is.
    """

    start_ms: int
    seen: list[Sighting] = field(default_factory=list[Sighting])
    labels: dict[bytes, Label] = field(default_factory=dict[bytes, Label])
    facts: dict[bytes, NetworkFacts] = field(default_factory=dict[bytes, NetworkFacts])


class Sender:
    """
    One browser or program at one address.
    """

    def __init__(
        self, script: Script, address: bytes, browser: Browser, label: Label, facts: NetworkFacts, *, site: int = SITE
    ) -> None:
        self._script = script
        self._address = address
        self._browser = browser
        self._site = site
        self._headers = browser.beacon_headers(SITE_HOST)
        script.labels[address] = label
        script.facts[address] = facts

    def without_origin(self) -> Sender:
        """
        Leave out the Origin header, as programs do that nobody told of it.
        """
        self._headers = tuple(pair for pair in self._headers if pair[0] != b"origin")
        return self

    def view(self, at_ms: int, page: str, referrer: str = "", reason: DropReason | None = None) -> None:
        """
        Send a pageview.
        """
        self._send(at_ms, Beacon(PAGEVIEW, SITE_HOST + page, ("shop.example",), referrer), self._headers, reason)

    def pixel(self, at_ms: int, page: str) -> None:
        """
        Fetch the pixel.
        """
        self._send(at_ms, Beacon(PAGEVIEW, SITE_HOST + page, ("shop.example",)), self._browser.pixel_headers(), None)

    def reading(self, at_ms: int, page: str, engaged_ms: int, scroll_depth: int) -> None:
        """
        Send an engagement event.
        """
        beacon = Beacon(
            ENGAGEMENT, SITE_HOST + page, ("shop.example",), engagement_ms=engaged_ms, scroll_depth=scroll_depth
        )
        self._send(at_ms, beacon, self._headers, None)

    def goal(self, at_ms: int, page: str, name: str, revenue: str | None = None) -> None:
        """
        Send a custom event, a purchase when it has a revenue.
        """
        from decimal import Decimal

        money = None if revenue is None else (Decimal(revenue), "SEK")
        self._send(at_ms, Beacon(name, SITE_HOST + page, ("shop.example",), revenue=money), self._headers, None)

    def _send(
        self, at_ms: int, beacon: Beacon, headers: tuple[tuple[bytes, bytes], ...], reason: DropReason | None
    ) -> None:
        self._script.seen.append(
            Sighting(at_ms, self._site, self._address, self._browser.user_agent, headers, beacon, reason)
        )


def ipv4(rng: Random) -> bytes:
    """
    Draw an address of the public space.
    """
    while True:
        address = IPv4Address(rng.getrandbits(32))
        if address.is_global and not address.is_multicast:
            return address.packed


def ipv6(rng: Random) -> bytes:
    """
    Draw an address of the space in use.
    """
    return IPv6Address(0x2A << 120 | rng.getrandbits(120)).packed


def page(rng: Random, pages: int) -> str:
    """
    Draw a page as readers choose them: few pages have most of the traffic.
    """
    return f"/p/{min(pages - 1, int(rng.paretovariate(0.9)) - 1)}"
