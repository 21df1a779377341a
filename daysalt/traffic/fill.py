"""
Fill an empty site of the store with made-up traffic.

Seeded rows take the same road as real ones from hop 6 on (sessionize, flush), under batch numbers that the drain never
uses. A site that has events is never touched: made-up numbers must not end up among real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from daysalt.traffic.days import events_per_visit, records_on
from daysalt.traffic.rhythm import local_today
from daysalt.traffic.sites import profile_for
from ingest.event import Event, Record
from ingest.flush import DRAIN_BATCHES_BELOW, insert_batch
from ingest.visits import Sessionizer
from warehouse.client import Warehouse
from warehouse.clock import Clock

DAYS_PER_BATCH = 7


class SeedError(Exception):
    """
    Seeding cannot be done. The text is one sentence that says what to do.
    """


@dataclass(frozen=True, slots=True)
class SeedTarget:
    """
    What of a site the store needs to know to fill it.
    """

    site_id: int
    domain: str
    timezone: str


@dataclass(frozen=True, slots=True)
class SeedProgress:
    """
    Where the seeding of one site stands. `events` counts rows written so far, engagement included.
    """

    domain: str
    days_done: int
    days: int
    events: int


def seed_site(
    warehouse: Warehouse, clock: Clock, target: SeedTarget, *, days: int, events_per_day: int, seed: int
) -> Iterator[SeedProgress]:
    """
    Fill one empty site, telling the progress after each day.

    Args:
        days: local days of the site, today included.
        events_per_day: page views and custom events of an ordinary day; 0 for the profile's own.
        seed: the same seed, site and moment give the same traffic.

    Raises:
        SeedError: the site has events.
        WarehouseUnavailable, WarehouseRefused: as for `Warehouse.insert`.
    """
    if warehouse.query("SELECT 1 FROM events WHERE site_id = {site:UInt32} LIMIT 1", {"site": target.site_id}):
        raise SeedError(f"{target.domain} already has events; made-up traffic goes only into a site without any")
    profile = replace(profile_for(target.domain), domain=target.domain, timezone=target.timezone)
    rng = Random(f"{seed}/{target.domain}")  # noqa: S311  # made-up traffic must be repeatable, not unguessable
    now_ms = clock.now_ms()
    visits_per_day = (events_per_day or profile.events_per_day) / events_per_visit(profile, rng)
    today = local_today(now_ms, profile.timezone)
    sessionizer = Sessionizer()
    # The moment and the site are part of the number: a site emptied and seeded again must not meet a token the store
    # remembers, or it would take the rows for a repeat.
    batch = DRAIN_BATCHES_BELOW + (now_ms << 20) + (target.site_id % 4096 << 8)
    waiting: list[Record] = []
    written = 0
    for done, days_ago in enumerate(range(days - 1, -1, -1), start=1):
        day = today - timedelta(days=days_ago)
        waiting += records_on(profile, target.site_id, day, days_ago, days, visits_per_day, now_ms // 1000, rng)
        if done % DAYS_PER_BATCH == 0 or days_ago == 0:
            insert_batch(warehouse, batch, sessionizer.process(waiting, batch))
            written += sum(isinstance(record, Event) for record in waiting)
            waiting = []
            batch += 1
        yield SeedProgress(target.domain, done, days, written)
