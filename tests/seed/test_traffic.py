"""
Promises of the made-up traffic.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest

from daysalt.traffic.days import events_per_visit, records_on
from daysalt.traffic.profile import Profile
from daysalt.traffic.rhythm import EPOCH, local_today, start_times
from daysalt.traffic.sites import DEMO_PROFILES, profile_for
from daysalt.traffic.walk import arrivals_on
from ingest.event import ENGAGEMENT, PAGEVIEW, DropCount, Event, Record
from ingest.hit import DropReason

NOW = 1_795_347_000
"""2026-11-22 11:30 UTC."""


SHOP, BLOG, MUSEUM = (profile.domain for profile in DEMO_PROFILES)


@cache
def month_of(domain: str, seed: int = 1) -> list[list[Record]]:
    return draw_month(domain, seed)


def draw_month(domain: str, seed: int) -> list[list[Record]]:
    profile = profile_for(domain)
    rng = Random(seed)
    visits = profile.events_per_day / events_per_visit(profile, rng)
    today = local_today(NOW * 1000, profile.timezone)
    return [records_on(profile, 1, today - timedelta(days=ago), ago, 30, visits, NOW, rng) for ago in range(29, -1, -1)]


def events_of(records: list[Record]) -> list[Event]:
    return [record for record in records if isinstance(record, Event)]


@pytest.mark.parametrize("profile", DEMO_PROFILES, ids=lambda profile: profile.domain)
def test_links_lead_to_pages_that_exist(profile: Profile) -> None:
    """
    Every landing page, link and step after an action is a page of the site.
    """
    named = {*profile.landings, *(path for arrival in profile.arrivals for path in arrival.landings)}
    for page in profile.pages.values():
        named.update(page.links, (doing.leads_to for doing in page.doings if doing.leads_to))

    assert set() == named - set(profile.pages)


def test_the_same_seed_gives_the_same_traffic() -> None:
    """
    Traffic is a function of profile, seed and moment; another seed gives other traffic.
    """
    assert month_of(MUSEUM) == draw_month(MUSEUM, seed=1)
    assert month_of(MUSEUM) != draw_month(MUSEUM, seed=2)


@pytest.mark.parametrize("profile", DEMO_PROFILES, ids=lambda profile: profile.domain)
def test_events_lie_in_their_local_day(profile: Profile) -> None:
    """
    A visit begins in the local day its events carry, runs over midnight by little, and nothing lies in the future.
    """
    zone = ZoneInfo(profile.timezone)
    for records in month_of(profile.domain):
        for event in events_of(records):
            local = datetime.fromtimestamp(event.ts, UTC).astimezone(zone).date()
            assert local - (EPOCH + timedelta(days=event.day)) in (timedelta(0), timedelta(days=1))
            assert event.ts <= NOW


def test_a_visitor_id_lives_one_day() -> None:
    """
    No visitor id is seen on two days.
    """
    days: dict[int, set[int]] = {}
    for records in month_of(SHOP):
        for event in events_of(records):
            if event.visitor_id:
                days.setdefault(event.visitor_id, set()).add(event.day)

    assert {1} == {len(found) for found in days.values()}


@pytest.mark.parametrize("profile", DEMO_PROFILES, ids=lambda profile: profile.domain)
def test_an_ordinary_month_has_the_events_it_was_asked_for(profile: Profile) -> None:
    """
    Without the one great day, page views and custom events per day come near `events_per_day`.
    """
    counts = [sum(event.name != ENGAGEMENT for event in events_of(records)) for records in month_of(profile.domain)][
        :-1
    ]
    ordinary = sorted(counts)[:-1]

    assert 0.75 < sum(ordinary) / len(ordinary) / profile.events_per_day < 1.35


def test_the_great_day_stands_out() -> None:
    """
    The blog's day in the news has several times the views of its neighbours, nearly all from there.
    """
    month = month_of(BLOG)
    great = events_of(month[29 - 11])
    before = events_of(month[29 - 12])

    assert len(great) > 4 * len(before)
    assert sum(event.source == "Hacker News" for event in great) > len(great) * 0.7


def test_campaigns_begin_and_end() -> None:
    """
    A campaign is open from its first day to its last, and on no other.
    """
    shop = DEMO_PROFILES[0]
    open_on = [
        ago for ago in range(30) if any(a.utm_campaign == "hostjackor-2026" for a in arrivals_on(shop, days_ago=ago))
    ]

    assert list(range(6, 25)) == open_on


def test_purchases_carry_money() -> None:
    """
    Each purchase has an amount and a currency; nothing else has.
    """
    events = [event for records in month_of(SHOP) for event in events_of(records)]
    purchases = [event for event in events if event.name == "Purchase"]

    assert purchases
    assert {"SEK"} == {event.revenue_currency for event in purchases if float(event.revenue_amount) > 0}
    assert {""} == {event.revenue_amount for event in events if event.name != "Purchase"}


def test_hits_with_a_signal_carry_nothing() -> None:
    """
    A page view with GPC or DNT has no visitor, source, place or device.
    """
    views = [event for records in month_of(BLOG) for event in events_of(records) if not event.visitor_id]

    assert views
    assert {(PAGEVIEW, "", "", "", "", "")} == {
        (event.name, event.source, event.channel, event.country, event.browser, event.device) for event in views
    }


def test_bots_are_drops_with_a_reason() -> None:
    """
    Bots appear as counts by whole hour and a reason of the closed list.
    """
    drops = [record for records in month_of(SHOP) for record in records if isinstance(record, DropCount)]

    assert sum(drop.hits for drop in drops if drop.reason == DropReason.BOT) > 1000
    assert {drop.reason for drop in drops} <= {reason.value for reason in DropReason}
    assert {0} == {drop.hour % 3600 for drop in drops}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_days_of_23_and_25_hours_are_filled(day: date, hours: int) -> None:
    """
    Visits of a day with a clock change begin inside it.
    """
    shop = DEMO_PROFILES[0]
    begins = int(datetime.combine(day, datetime.min.time(), ZoneInfo(shop.timezone)).timestamp())
    starts = start_times(shop, day, 5000, Random(1))

    assert begins <= starts[0]
    assert begins + (hours - 1) * 3600 < starts[-1] < begins + hours * 3600
