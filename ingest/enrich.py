"""
Hop 3, screen and enrich: a hit becomes an `EnrichedHit` for one site, or `Dropped` with the reason.

Pure but for the place database. What is the caller's: unknown sites, limits, time stamps, event ids; and in the drain
visits. Order of the screens: the events API we are compatible with, cheap ones first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import msgspec

from ingest.address import Address
from ingest.agent import read_agent
from ingest.bots import USER_AGENT_LENGTH_MAX
from ingest.event import ENGAGEMENT, PAGEVIEW
from ingest.hit import Agent, Dropped, DropReason, EnrichedHit, Hit, Origin, Page, Place
from ingest.origin import implied_medium, read_origin
from ingest.page import read_page
from ingest.place import PlaceReader
from ingest.scrub import scrub_values
from ingest.shields import NO_SHIELDS, Shields, screen_country, screen_page
from ingest.url import split_url, without_www

SPAM_ANSWERS_MAX = 20_000
DATACENTER, THREAT, VPN = "dc_ip", "threat_ip", "anonymous_vpn_ip"
"""Verdicts of a trusted edge on an address."""
VPN_COUNTRY = "A1"
"""Country of an address behind which anyone may sit."""
VERIFICATION_AGENT = "Daysalt-Verification/"
"""User agents that begin so only look whether the snippet works."""
# Events whose page is what one wants to know; they are given it as property `path` unless it was sent.
PATH_PROP_EVENTS = frozenset({"404", "WP Form Completions", "Form: Submission"})

PLAIN_NAMES = frozenset({PAGEVIEW, ENGAGEMENT})
"""Names with nothing to scrub in them."""

_NO_AGENT, _NO_PLACE, _NO_ORIGIN = Agent(), Place(), Origin()


@dataclass(frozen=True, slots=True)
class SiteRules:
    """
    What of a site's settings decides about its hits.
    """

    id: int
    domain: str
    timezone: str = "Etc/UTC"
    signals: Literal["count", "drop"] = "count"
    datacenter: Literal["keep", "drop"] = "keep"
    shields: Shields = NO_SHIELDS
    vault: bool = True
    risk: bool = True


@dataclass(frozen=True, slots=True)
class EnrichTools:
    """
    What enriching reads beside the hit.
    """

    place: PlaceReader
    is_datacenter: Callable[[Address], bool] = lambda _: False
    """Asked only for sites that drop data centres; remembers its answers."""
    spam_hosts: frozenset[str] = field(default_factory=lambda: seed_spam_hosts())


def screen_and_enrich(hit: Hit, site: SiteRules, tools: EnrichTools) -> EnrichedHit | Dropped:
    """
    Decide whether a hit counts for a site, and derive everything that is kept of it.

    Under GPC or DNT what comes back of a pageview is its page, hostname and hour: no properties, revenue, source,
    place or device.

    Raises:
        WireError: the address of the page cannot be read; answer 400.
    """
    page = read_page(hit.url, hit.hash_mode)
    reason = _screen_early(hit, page, site, tools)
    if reason is not None:
        return Dropped(reason)
    place = Place(VPN_COUNTRY) if hit.ip_type == VPN else tools.place.read(hit.address)
    reason = screen_country(site.shields, place.country)
    if reason is not None:
        return Dropped(reason)
    # Cut here and not behind the cache: its keys are what a stranger sends, and a header may be long.
    agent = read_agent(hit.user_agent[:USER_AGENT_LENGTH_MAX])
    if agent.bot:
        return Dropped(DropReason.BOT)
    if hit.signal:
        if site.signals == "drop" or hit.name != PAGEVIEW:
            return Dropped(DropReason.SIGNAL)
        bare = msgspec.structs.replace(hit, referrer="", props={}, revenue=None)
        return EnrichedHit(bare, _bare_page(page), _NO_AGENT, _NO_PLACE, _NO_ORIGIN, scrubbed=page.scrubbed)
    page, origin = arrival(page, hit.referrer)
    scrubbed = page.scrubbed + origin.scrubbed
    if hit.props or hit.name not in PLAIN_NAMES:
        values = scrub_values(hit.name, hit.props)
        if values is not None:
            hit = msgspec.structs.replace(hit, name=values.name, props=values.props)
            scrubbed += values.kinds
    return EnrichedHit(hit, page, agent, place, origin, _props(hit, page), scrubbed)


def arrival(page: Page, referrer: str) -> tuple[Page, Origin]:
    """
    Find where a visit to a page came from; a click parameter may give the page the medium it lacks.
    """
    origin = read_origin(page, referrer)
    if page.click_id and not page.utm_medium:
        medium = implied_medium(origin.source, page.click_id)
        page = msgspec.structs.replace(page, utm_medium=medium) if medium else page
    return page, origin


def is_spam_referrer(referrer: str, spam_hosts: frozenset[str]) -> bool:
    """
    Tell whether a referrer's host, or a domain above it, is on the list.
    """
    return bool(referrer) and _is_spam(referrer, spam_hosts)


def read_spam_hosts(text: str) -> frozenset[str]:
    """
    Read a list of hosts, one a line; lines beginning with `#` are notes.
    """
    lines = (line.strip().lower() for line in text.splitlines())
    return frozenset(without_www(line) for line in lines if line and not line.startswith("#"))


@lru_cache(1)
def seed_spam_hosts() -> frozenset[str]:
    """
    Give the list that comes with the product.
    """
    return read_spam_hosts(files("ingest").joinpath("data/spam_referrers.txt").read_text(encoding="utf-8"))


def _screen_early(hit: Hit, page: Page, site: SiteRules, tools: EnrichTools) -> DropReason | None:
    if is_spam_referrer(hit.referrer, tools.spam_hosts):
        return DropReason.SPAM_REFERRER
    if hit.user_agent.startswith(VERIFICATION_AGENT):
        return DropReason.VERIFICATION
    if hit.ip_type == DATACENTER:
        return DropReason.DATACENTER
    if hit.ip_type == THREAT:
        return DropReason.THREAT
    if site.datacenter == "drop" and tools.is_datacenter(hit.address):
        return DropReason.DATACENTER
    return screen_page(site.shields, page.hostname, page.pathname, hit.address)


@lru_cache(SPAM_ANSWERS_MAX)
def _is_spam(referrer: str, spam_hosts: frozenset[str]) -> bool:
    host = without_www(split_url(referrer).host)
    while host:
        if host in spam_hosts:
            return True
        host = host.partition(".")[2]
    return False


def _bare_page(page: Page) -> Page:
    return Page(page.hostname, page.pathname, page.registrable_domain)


def _props(hit: Hit, page: Page) -> Mapping[str, str]:
    if hit.name in PATH_PROP_EVENTS and "path" not in hit.props:
        return dict(sorted({**hit.props, "path": page.pathname}.items()))
    return hit.props
