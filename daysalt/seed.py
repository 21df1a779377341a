"""
`daysalt seed`: fill empty sites with made-up traffic, through the running server or with the data directory alone;
or send one real beacon to the running server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from daysalt.traffic.fill import SeedError, SeedProgress, SeedTarget, seed_site
from daysalt.traffic.one_beacon import send_one
from daysalt.traffic.profile import Profile
from daysalt.traffic.sites import DEMO_PROFILES
from warehouse.client import Warehouse, WarehouseRefused, WarehouseUnavailable
from warehouse.clock import Clock, SystemClock
from warehouse.data_dir import STORE_SOCKET, DataDirError, DataDirInUse, lock_data_dir, make_data_dir
from warehouse.local_socket import SocketAbsent, SocketRefused, stream
from warehouse.migrate import MigrationError, migrate
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.registry.sites import Site
from warehouse.settings import Settings

DAYS_MAX = 730
EVENTS_PER_DAY_MAX = 1_000_000


def run_seed(
    settings: Settings,
    *,
    demo: bool = False,
    days: int = 30,
    events_per_day: int = 0,
    seed: int = 1,
    one: str | None = None,
    as_json: bool = False,
    domain: str | None = None,
) -> int:
    """
    Run the command.

    Args:
        demo: make the three demo sites with their goals and fill those that are empty.
        one: send one beacon for this domain to the running server instead.
        domain: fill this site only; None without `demo`: every site that has no events.

    Returns:
        The exit code.
    """
    try:
        if one is not None:
            return send_one(settings, one, as_json=as_json)
        if not 1 <= days <= DAYS_MAX:
            raise SeedError(f"--days is {days}, but must be from 1 to {DAYS_MAX}")
        if not 0 <= events_per_day <= EVENTS_PER_DAY_MAX:
            raise SeedError(f"--events-per-day is {events_per_day}, but must be from 0 to {EVENTS_PER_DAY_MAX}")
        clock = SystemClock()
        make_data_dir(settings.data_dir)
        targets = _targets(settings, clock, demo, domain)
        seeded, refused = _fill(settings, clock, targets, days, events_per_day, seed, quiet=as_json)
    except (SeedError, DataDirError, MigrationError, RegistryError, SocketRefused, WarehouseUnavailable,
            WarehouseRefused) as error:  # fmt: skip
        print(f"daysalt: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"seeded": [asdict(progress) for progress in seeded], "refused": refused}))
    else:
        for progress in seeded:
            print(f"{progress.domain}: {progress.events:,} events over {progress.days} days")
    for sentence in refused:
        print(f"daysalt: {sentence}", file=sys.stderr)
    # A second `make demo` finds its sites filled, which is what it wanted.
    return 0 if demo or not refused else 1


def _targets(settings: Settings, clock: Clock, demo: bool, domain: str | None) -> list[SeedTarget]:
    registry = Registry(settings.registry_url, clock)
    today = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).date()
    try:
        if demo:
            sites = [_demo_site(registry, profile, today) for profile in DEMO_PROFILES]
        elif domain is not None:
            site = registry.sites.find(domain)
            if site is None:
                raise SeedError(f"there is no site {domain}: add it with `daysalt site add {domain}`")
            sites = [site]
        else:
            sites = registry.sites.all()
            if not sites:
                raise SeedError("there is no site to fill: add one with `daysalt site add DOMAIN`, or use --demo")
    finally:
        registry.close()
    return [SeedTarget(site.id, site.domain, site.timezone) for site in sites]


def _demo_site(registry: Registry, profile: Profile, today: date) -> Site:
    site = registry.sites.find(profile.domain)
    is_new = site is None
    if site is None:
        site = registry.sites.add(profile.domain, timezone=profile.timezone)
        # Made-up numbers may be seen by anyone, and a newcomer should see them before making an account.
        site = registry.sites.change(site.domain, public=True)
    for goal in profile.goals:
        name = goal.display_name or None
        if goal.page_path:
            registry.goals.add(site.id, kind="page", page_path=goal.page_path, display_name=name)
        else:
            currency = goal.currency or None
            registry.goals.add(site.id, kind="event", event_name=goal.event_name, display_name=name, currency=currency)
    if is_new:
        _tell_the_story(registry, site, profile, today)
    return site


def _tell_the_story(registry: Registry, site: Site, profile: Profile, today: date) -> None:
    """
    Add what a newcomer should find on the page: a funnel, and notes on the graph.
    """
    numbers = {goal.display_name: goal.id for goal in registry.goals.all(site.id)}
    if profile.funnel:
        registry.funnels.add(site.id, " → ".join(profile.funnel), [numbers[name] for name in profile.funnel])
    for planned in profile.notes:
        day = today - timedelta(days=planned.days_ago)
        registry.annotations.add(site.id, day.isoformat(), planned.note, public=True)


def _fill(
    settings: Settings,
    clock: Clock,
    targets: list[SeedTarget],
    days: int,
    events_per_day: int,
    seed: int,
    *,
    quiet: bool,
) -> tuple[list[SeedProgress], list[str]]:
    seeded: list[SeedProgress] = []
    refused: list[str] = []
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with _Road(settings, clock) as road, Progress(*columns, console=console) as bars:
        for target in targets:
            bar = bars.add_task(target.domain, total=days)
            last: SeedProgress | None = None
            try:
                for last in road.seed(target, days, events_per_day, seed):
                    bars.update(bar, completed=last.days_done)
            except (SeedError, SocketRefused) as error:
                bars.remove_task(bar)
                refused.append(str(error))
            else:
                if last is not None:
                    seeded.append(last)
    return seeded, refused


class _Road:
    """
    The way to the store: through the running server's socket, or with the data directory for ourselves.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._socket: Path = settings.data_dir / STORE_SOCKET
        self._warehouse: Warehouse | None = None

    def __enter__(self) -> _Road:
        try:
            self._lock = lock_data_dir(self._settings.data_dir)
        except DataDirInUse:
            if not self._socket.exists():
                raise
            return self
        self._warehouse = Warehouse(self._settings.warehouse_url)
        try:
            migrate(self._warehouse, self._clock)
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._warehouse is not None:
            self._leave()

    def seed(self, target: SeedTarget, days: int, events_per_day: int, seed: int) -> Iterator[SeedProgress]:
        if self._warehouse is not None:
            yield from seed_site(
                self._warehouse, self._clock, target, days=days, events_per_day=events_per_day, seed=seed
            )
            return
        arguments = {**asdict(target), "days": days, "events_per_day": events_per_day, "seed": seed}
        try:
            for line in stream(self._socket, "seed", **arguments):
                yield SeedProgress(**{name: line[name] for name in ("domain", "days_done", "days", "events")})
        except SocketAbsent:
            raise SeedError(
                "the server on this data directory is starting or stopping and cannot be asked: try again in a moment"
            ) from None

    def _leave(self) -> None:
        assert self._warehouse is not None
        self._warehouse.close()
        self._lock.release()
