"""
One made-up visit: a walk from a landing page along links, with reading time, scrolling and things done.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TypeVar

from daysalt.traffic.profile import Arrival, Device, Doing, Page, Place, Profile
from ingest.event import ENGAGEMENT, PAGEVIEW, UNKNOWN_SCROLL_DEPTH, Event

PAGES_MAX = 14
"""Longest walk, in pages."""

READING_SECONDS_MAX = 20 * 60
"""Below the 30 minutes of silence that end a visit."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Visitor:
    """
    Somebody, for one local day of one site. `visitor_id` is a random number.
    """

    visitor_id: int
    day: int
    place: Place
    device: Device
    browser_version: str
    os_version: str


def new_visitor(profile: Profile, day: int, rng: Random) -> Visitor:
    """
    Draw a visitor of a day (days since 1970-01-01).
    """
    device = _pick(profile.devices, [device.weight for device in profile.devices], rng)
    place = _pick(profile.places, [place.weight for place in profile.places], rng)
    return Visitor(
        rng.getrandbits(64) or 1, day, place, device,
        _newest_first(device.browser_versions, rng), _newest_first(device.os_versions, rng),
    )  # fmt: skip


def arrivals_on(profile: Profile, days_ago: int) -> tuple[Arrival, ...]:
    """
    List the ways in that are open on a day: campaigns begin and end.
    """
    return tuple(arrival for arrival in profile.arrivals if arrival.starts >= days_ago >= arrival.ends)


def pick_arrival(arrivals: tuple[Arrival, ...], rng: Random) -> Arrival:
    """
    Draw a way in by weight.
    """
    return _pick(arrivals, [arrival.weight for arrival in arrivals], rng)


def walk(profile: Profile, site_id: int, visitor: Visitor, arrival: Arrival, start: int, rng: Random) -> list[Event]:
    """
    Draw the events of one visit, oldest first; times strictly grow.

    Args:
        start: epoch seconds UTC of the first page view.
    """
    steps: list[Event] = []
    landings = arrival.landings or profile.landings
    path = _pick(tuple(landings), list(landings.values()), rng)
    now = start

    def add(name: str, pathname: str, **more: object) -> None:
        steps.append(_event(profile, site_id, visitor, arrival, now, name, pathname, rng, more))

    for number in range(PAGES_MAX):
        page = profile.pages[path]
        add(PAGEVIEW, path)
        glance = number == 0 and rng.random() < arrival.leave_at_once
        seconds = _reading_seconds(page, glance, rng)
        doing = None if glance else _doing_on(page, rng)
        now += max(1, round(seconds * (0.8 if doing else 1)))
        if doing is not None:
            add(doing.name, path, **_done(doing, rng))
            now += 2
        if rng.random() < 0.93:
            # Not every browser gets its farewell out.
            left = {"scroll_depth": _scroll(page, glance, rng), "engagement_ms": round(seconds * 870)}
            add(ENGAGEMENT, path, interactive=False, **left)
        if doing is not None and doing.leads_to:
            path = doing.leads_to
        elif glance or rng.random() < page.leave or not page.links:
            break
        else:
            path = _pick(tuple(page.links), list(page.links.values()), rng)
        now += 1
    return steps


def signal_view(profile: Profile, site_id: int, day: int, ts: int, rng: Random) -> Event:
    """
    Draw a page view that came with GPC or DNT: it belongs to nobody and carries no source, place or device.
    """
    path = _pick(tuple(profile.landings), list(profile.landings.values()), rng)
    return Event(
        site_id=site_id, day=day, ts=ts, visitor_id=0, visit_seed=rng.getrandbits(64), name=PAGEVIEW,
        hostname=profile.domain, pathname=path, received_day=ts // 86_400,
    )  # fmt: skip


def _event(
    profile: Profile, site_id: int, visitor: Visitor, arrival: Arrival, ts: int, name: str, pathname: str, rng: Random,
    more: dict[str, object],
) -> Event:  # fmt: skip
    device, place = visitor.device, visitor.place
    values: dict[str, object] = {
        "site_id": site_id, "day": visitor.day, "ts": ts, "visitor_id": visitor.visitor_id,
        "visit_seed": rng.getrandbits(64) or 1, "name": name, "hostname": profile.domain, "pathname": pathname,
        "referrer": arrival.referrer, "source": arrival.source, "channel": arrival.channel,
        "utm_source": arrival.utm_source, "utm_medium": arrival.utm_medium, "utm_campaign": arrival.utm_campaign,
        "utm_content": arrival.utm_content, "utm_term": arrival.utm_term, "click_id": arrival.click_id,
        "country": place.country, "region": place.region, "city": place.city,
        "browser": device.browser, "browser_version": visitor.browser_version,
        "os": device.os, "os_version": visitor.os_version, "device": device.device, "received_day": ts // 86_400,
        **more,
    }  # fmt: skip
    return Event(**values)  # type: ignore[arg-type]  # the names above are the fields of Event


def _doing_on(page: Page, rng: Random) -> Doing | None:
    for doing in page.doings:
        if rng.random() < doing.share:
            return doing
    return None


def _done(doing: Doing, rng: Random) -> dict[str, object]:
    done: dict[str, object] = {"props": {key: rng.choice(values) for key, values in sorted(doing.props.items())}}
    if doing.amounts:
        # Small baskets are more common than large ones.
        index = min(int(abs(rng.gauss(0, 0.45)) * len(doing.amounts)), len(doing.amounts) - 1)
        done["revenue_amount"] = doing.amounts[index]
        done["revenue_currency"] = doing.currency
    return done


def _reading_seconds(page: Page, glance: bool, rng: Random) -> float:
    median = page.seconds * (0.45 if glance else 1)
    return min(rng.lognormvariate(0, 0.75) * median, READING_SECONDS_MAX)


def _scroll(page: Page, glance: bool, rng: Random) -> int:
    depth = rng.gauss(page.scroll * (0.6 if glance else 1), 18)
    found = round(min(100, max(5, depth)))
    assert found != UNKNOWN_SCROLL_DEPTH
    return found


def _newest_first(versions: tuple[str, ...], rng: Random) -> str:
    return rng.choice((versions[0], *versions))


def _pick(choices: tuple[_T, ...], weights: list[float], rng: Random) -> _T:
    return rng.choices(choices, weights)[0]
