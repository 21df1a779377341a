"""
What a made-up site is like: its pages and how people walk through them, where they come from, what they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    One way in. `weight` is relative to the site's other arrivals.

    `landings` are weights by path; empty: the profile's own. A campaign runs from `starts` to `ends`, both in days
    before the last day (20 to 9: it began 20 days ago and ended 9 days ago).
    """

    weight: float
    source: str = ""
    channel: str = "Direct"
    referrer: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    click_id: str = ""
    leave_at_once: float = 0.4
    """Share of visits that end on the page they began on."""
    landings: Mapping[str, float] = field(default_factory=dict[str, float])
    starts: int = 10**6
    ends: int = 0


@dataclass(frozen=True, slots=True)
class Doing:
    """
    A custom event that may happen on a page.
    """

    name: str
    share: float
    """Of the views of the page."""
    props: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Values to choose from, by property."""
    amounts: tuple[str, ...] = ()
    """Revenue to choose from; empty: none."""
    currency: str = ""
    leads_to: str = ""
    """Path that follows, or empty: the walk goes on as usual."""


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page: where people go from it, and how they read it.
    """

    links: Mapping[str, float]
    leave: float
    """Chance that the visit ends here, once it is past its first page."""
    seconds: float = 35
    """Median reading time."""
    scroll: int = 60
    """Median depth in per cent."""
    doings: tuple[Doing, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """
    Country (ISO 3166-1 alpha-2), region (ISO 3166-2) and city (GeoNames id), with a weight.
    """

    country: str
    region: str
    city: int
    weight: float


@dataclass(frozen=True, slots=True)
class Device:
    """
    A browser on an operating system on a kind of device, with a weight; versions are drawn evenly, newest first twice.
    """

    browser: str
    browser_versions: tuple[str, ...]
    os: str
    os_versions: tuple[str, ...]
    device: str
    weight: float


@dataclass(frozen=True, slots=True)
class Spike:
    """
    One day on which everybody came at once.
    """

    days_ago: int
    factor: float
    """Visits of the day, as a multiple of an ordinary day's."""
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class PlannedGoal:
    """
    A goal to declare for the site: an event's name, or a page's path.
    """

    event_name: str = ""
    page_path: str = ""
    display_name: str = ""
    currency: str = ""
    """Of an event with revenue."""


@dataclass(frozen=True, slots=True)
class PlannedNote:
    """
    A note on the graph, so many days ago.
    """

    days_ago: int
    note: str


@dataclass(frozen=True, slots=True)
class Profile:
    """
    A whole made-up site.

    `hours` are 24 weights of the local day, `weekdays` seven from Monday; `growth` is the last day's traffic over the
    first's; `funnel` names goals in the order in which they are reached.
    """

    domain: str
    timezone: str
    events_per_day: int
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    growth: float
    pages: Mapping[str, Page]
    landings: Mapping[str, float]
    arrivals: tuple[Arrival, ...]
    places: tuple[Place, ...]
    devices: tuple[Device, ...]
    goals: tuple[PlannedGoal, ...]
    drops: Mapping[str, float]
    """Dropped hits by reason, per event that is counted."""
    spike: Spike | None = None
    funnel: tuple[str, ...] = ()
    notes: tuple[PlannedNote, ...] = ()
    signal_share: float = 0.015
    """Of page views, those that came with GPC or DNT and belong to no visitor."""
