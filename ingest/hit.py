"""
The shapes a pageview takes on its way: `Hit` (raw, personal), `EnrichedHit`, and the reasons for a drop.

A `Hit` is never printed and never written: its `repr` hides everything. Those made for every beacon are structs of
msgspec: a frozen dataclass of fifteen fields takes eight times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

import msgspec

from ingest.personal import Kind


class DropReason(StrEnum):
    """
    The closed list of reasons, as on the wire in `x-daysalt-dropped`. Adding one means documenting it.
    """

    UNKNOWN_SITE = "unknown_site"
    HOSTNAME_NOT_ALLOWED = "hostname_not_allowed"
    PAGE_BLOCKED = "page_blocked"
    IP_BLOCKED = "ip_blocked"
    COUNTRY_BLOCKED = "country_blocked"
    BOT = "bot"
    DATACENTER = "datacenter"
    THREAT = "threat"
    SPAM_REFERRER = "spam_referrer"
    SIGNAL = "signal"
    NO_VISIT = "no_visit"
    DUPLICATE = "duplicate"
    TIMESTAMP = "timestamp"
    INVALID = "invalid"
    OVER_LIMIT = "over_limit"
    VERIFICATION = "verification"


@dataclass(frozen=True, slots=True)
class Dropped:
    """
    A hit that is not counted, and why. A value, not an error.
    """

    reason: DropReason


class Hit(msgspec.Struct, frozen=True, gc=False):
    """
    One decoded beacon. Personal: holds the address and the user agent.

    Attributes: times in epoch milliseconds UTC; `engagement_ms` 0 and `scroll_depth` 255 mean "not known".
    """

    name: str
    url: str
    """The page's address as sent; not yet parsed."""
    domains: tuple[str, ...]
    """Site keys named by the beacon, `www.` stripped, lower case, in order, each once."""
    referrer: str
    props: Mapping[str, str]
    hash_mode: bool
    revenue: tuple[Decimal, str] | None
    """Amount and ISO 4217 code."""
    interactive: bool
    scroll_depth: int
    engagement_ms: int
    received_ms: int
    address: IPv4Address | IPv6Address
    user_agent: str
    ip_type: str
    """Verdict of a trusted edge on the address, or empty."""
    signal: bool
    """GPC or DNT was sent."""

    def __repr__(self) -> str:
        return "<Hit, personal>"


class Page(msgspec.Struct, frozen=True, gc=False):
    """
    What is kept of a page's address: never its query.
    """

    hostname: str
    pathname: str
    registrable_domain: str
    """Public-suffix root of the hostname; an IPv4 literal or `(none)` as it is."""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    click_id: str = ""
    tagged: bool = False
    """A utm_source, source or ref parameter was present, even if empty."""
    scrubbed: tuple[Kind, ...] = ()
    """What was replaced in the path and the campaign, to be counted with every hit."""


class Agent(msgspec.Struct, frozen=True, gc=False):
    """
    What is kept of a user agent.
    """

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""
    """`Desktop`, `Mobile`, `Tablet` or empty."""
    bot: bool = False


class Place(msgspec.Struct, frozen=True, gc=False):
    """
    Where an address is: ISO 3166-1 alpha-2 country, ISO 3166-2 region (`SE-AB`), GeoNames id of the city; empty or 0
    when not known.
    """

    country: str = ""
    region: str = ""
    city: int = 0


class Origin(msgspec.Struct, frozen=True, gc=False):
    """
    Where a visit came from.
    """

    referrer: str = ""
    """Host and path without scheme, `www.`, query or trailing slash."""
    source: str = ""
    channel: str = ""
    scrubbed: tuple[Kind, ...] = ()
    """What was replaced in the referrer."""


class EnrichedHit(msgspec.Struct, frozen=True, gc=False):
    """
    A hit with everything derived from it, for one site. Still personal: it carries the hit.
    """

    hit: Hit
    page: Page
    agent: Agent
    place: Place
    origin: Origin
    props: Mapping[str, str] = {}
    scrubbed: tuple[Kind, ...] = ()
    """Everything that was replaced in this hit."""

    def __repr__(self) -> str:
        return "<EnrichedHit, personal>"
