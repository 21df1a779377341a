"""
Evidence: all that is known about one address today, as plain numbers. What signals read, and nothing else.

Structs of msgspec: one is made for every check, and a frozen dataclass of so many fields takes five times as long.
"""

from __future__ import annotations

from typing import Literal

import msgspec

NetworkKind = Literal["", "hosting", "vpn", "tor", "relay", "crawler"]


class NetworkFacts(msgspec.Struct, frozen=True, gc=False):
    """
    What the local lists say of an address. Everything empty: not on them, or there are none.
    """

    known: bool = False
    """A network list is there and was asked."""
    kind: NetworkKind = ""
    asn: int = 0
    organisation: str = ""
    country: str = ""
    unroutable: str = ""
    """Why no stranger can have this address: `private`, `reserved`, `documentation`; empty when one can."""


class Neighbourhood(msgspec.Struct, frozen=True, gc=False):
    """
    What the addresses of the same /24 or /48 did lately.
    """

    events_10m: int = 0
    addresses_10m: int = 0
    """Estimate, good up to some 150."""
    views: int = 0
    """Pageviews a reading time could follow; fades by half every ten minutes."""
    readings: int = 0
    """Engagement events, fading alike."""
    agents_10m: int = 0
    """User agents that its addresses had; an estimate, too."""
    busy_ms: int = 0
    """How long it has been busy."""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """
    Counts of one UTC day so far. Estimates of different things are good up to some 150.
    """

    # The counters of a row first, in its order, then what is worked out: `Windows.evidence` fills it in this order.
    total: int = 0
    views: int = 0
    owed_views: int = 0
    """Pageviews that a reading time should follow: by script, on a site whose readers send them."""
    readings: int = 0
    conversions: int = 0
    purchases: int = 0
    orphans: int = 0
    """Conversions of an address that had seen no page."""
    repeats: int = 0
    """Readings equal to an earlier one to the millisecond."""
    quick_views: int = 0
    """Pageviews less than a second after the one before."""
    whole_seconds: int = 0
    """Gaps that are a whole number of seconds."""
    looked: int = 0
    headers_impossible: int = 0
    origin_wrong: int = 0
    declared_bot: int = 0
    library: int = 0
    empty_agent: int = 0
    ancient_agent: int = 0
    headless: int = 0
    spam_referrer: int = 0
    events_1m: int = 0
    events_10m: int = 0
    events_1h: int = 0
    engaged_ms: int = 0
    gaps: int = 0
    gap_variation: float = 1.0
    """Standard deviation of the times between pageviews over their mean."""
    sites: int = 0
    pages: int = 0
    agents: int = 0
    hours: int = 0
    """One bit for each hour of the day, the lowest for midnight UTC."""
    first_ms: int = 0
    last_ms: int = 0
    """Epoch milliseconds UTC; 0 when there was nothing."""
    watched_ms: int = 0
    """How long the windows have been there."""
    neighbours: Neighbourhood = Neighbourhood()
    network: NetworkFacts = NetworkFacts()

    @property
    def reading_share(self) -> float:
        """
        Readings for each pageview that one should follow; 1 when none should.
        """
        return min(1.0, self.readings / self.owed_views) if self.owed_views else 1.0

    @property
    def people_at_once(self) -> int:
        """
        Between how many clients the traffic is divided: user agents, believed in full only where somebody reads.
        """
        return max(1, self.agents if self.owed_views and self.reading_share >= 0.2 else min(self.agents, 3))
