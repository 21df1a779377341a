"""
Sites: what is measured, and how each one is set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.noise_keys import add_noise_key
from warehouse.registry.schema import (
    ANNOTATIONS,
    API_KEYS,
    FUNNEL_STEPS,
    FUNNELS,
    GOALS,
    NOISE_KEYS,
    PROPERTIES,
    SEGMENTS,
    SHARED_LINKS,
    SHIELDS,
    SITE_ZONES,
    SITES,
    TRACKER_SCRIPTS,
)
from warehouse.registry.site_keys import checked_site_key, site_key
from warehouse.registry.site_settings import (
    SHIELD_KINDS,
    checked_choice,
    checked_k,
    checked_preset,
    checked_shield,
    checked_switch,
    checked_timezone,
)
from warehouse.registry.site_zones import change_zone, forget_zones, zone_changes
from warehouse.registry.tracker_scripts import add_tracker_script
from warehouse.site_days import SiteDays, ZoneChange

SITES_MAX = 10_000
"""Collectors hold every site in memory; at about 1 kB each this stays small."""


@dataclass(frozen=True, slots=True)
class Shields:
    """
    What a site refuses: addresses and networks, countries (ISO 3166-1 alpha-2), pages; and the hostnames it accepts.
    """

    ip: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    hostname: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """
    One measured site. `id` is never given to another site, also after removal.
    """

    id: int
    domain: str
    previous_domain: str | None
    timezone: str
    """The time zone in force when this was read; `days` knows earlier ones and one to come."""
    k: int
    public: bool
    vault: bool
    risk: bool
    signals: str
    """`count` or `drop`: what a GPC or DNT pageview does."""
    datacenter: str
    """`keep` or `drop`: what a hit from a data centre's network does."""
    preset: str | None
    shields: Shields = field(default_factory=Shields)
    created_ms: int = 0
    zone_changes: tuple[ZoneChange, ...] = ()
    """The oldest first; the last one may lie ahead."""

    @property
    def days(self) -> SiteDays:
        """
        The site's days: which zone each one follows.
        """
        return SiteDays(self.zone_changes[-1].after if self.zone_changes else self.timezone, self.zone_changes)


class SiteSettings(TypedDict, total=False):
    """
    What `Sites.change` takes; what is left out stays as it is.
    """

    timezone: str
    k: int
    public: bool
    vault: bool
    risk: bool
    signals: str
    datacenter: str
    preset: str | None
    shields: Shields | Mapping[str, Sequence[str]]


class Sites:
    """
    The sites of a registry.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, domain: str, *, timezone: str = "Etc/UTC", k: int = 5, preset: str | None = None) -> Site:
        """
        Add a site.

        Raises:
            RegistryError: the domain is taken or none, or a setting is not allowed.
        """
        key = checked_site_key(domain)
        switches = preset is None
        values: dict[str, object] = {
            "domain": key,
            "timezone": checked_timezone(timezone),
            "k": checked_k(k),
            "public": False,
            "vault": switches,
            "risk": switches,
            "signals": "count",
            "datacenter": "keep",
            "preset": checked_preset(preset),
            "created_ms": self._clock.now_ms(),
        }
        with self._connection.change() as transaction:
            _claim(transaction, key, None)
            if len(transaction.execute(select(SITES.c.id)).all()) >= SITES_MAX:
                raise RegistryError(f"there are {SITES_MAX} sites already: remove one before adding {key}")
            transaction.execute(insert(SITES).values(values))
            site = self._one(transaction, key)
            add_tracker_script(transaction, site.id)
            add_noise_key(transaction, site.id)
            return site

    def find(self, domain: str) -> Site | None:
        """
        Find a site by its present domain, else by the one before its last renaming; case and `www.` do not matter.
        """
        key = site_key(domain)
        with self._connection.read() as transaction:
            rows = transaction.execute(
                select(SITES).where(or_(SITES.c.domain == key, SITES.c.previous_domain == key))
            ).all()
            if not rows:
                return None
            row = next((row for row in rows if row.domain == key), rows[0])
            return self._site(transaction, row)

    def by_id(self, site_id: int) -> Site | None:
        """
        Find a site by its number.
        """
        with self._connection.read() as transaction:
            row = transaction.execute(select(SITES).where(SITES.c.id == site_id)).one_or_none()
            return None if row is None else self._site(transaction, row)

    def all(self) -> list[Site]:
        """
        List every site by domain.
        """
        with self._connection.read() as transaction:
            shields, changes = _shields(transaction, None), zone_changes(transaction, None)
            rows = transaction.execute(select(SITES).order_by(SITES.c.domain)).all()
            now_ms = self._clock.now_ms()
            return [_site(row, shields.get(row.id, Shields()), changes.get(row.id, ()), now_ms) for row in rows]

    def rename(self, domain: str, new_domain: str) -> Site:
        """
        Give a site another domain; hits and questions under the old one still find it until it is renamed again.

        Raises:
            RegistryError: no such site, or the new domain is taken or none.
        """
        key = checked_site_key(new_domain)
        with self._connection.change() as transaction:
            site = self._one(transaction, domain)
            if site.domain == key:
                raise RegistryError(f"the site is called {key} already: nothing was changed")
            _claim(transaction, key, site.id)
            transaction.execute(
                update(SITES).where(SITES.c.id == site.id).values(domain=key, previous_domain=site.domain)
            )
            return self._one(transaction, key)

    def remove(self, domain: str) -> Site:
        """
        Remove a site with its shields, goals and keys. Its rows in the warehouse are another step (`forget_site`).

        Raises:
            RegistryError: no such site.
        """
        with self._connection.change() as transaction:
            site = self._one(transaction, domain)
            ours = select(FUNNELS.c.id).where(FUNNELS.c.site_id == site.id)
            transaction.execute(delete(FUNNEL_STEPS).where(FUNNEL_STEPS.c.funnel_id.in_(ours)))
            # Said out loud rather than left to the foreign keys: a database without them must not keep orphans.
            tables = (
                *(SITE_ZONES, SHIELDS, TRACKER_SCRIPTS, NOISE_KEYS, FUNNELS),
                *(ANNOTATIONS, GOALS, PROPERTIES, SHARED_LINKS, SEGMENTS, API_KEYS),
            )
            for table in tables:
                transaction.execute(delete(table).where(table.c.site_id == site.id))
            transaction.execute(delete(SITES).where(SITES.c.id == site.id))
            return site

    def change(self, domain: str, *, is_empty: bool = False, **settings: Unpack[SiteSettings]) -> Site:
        """
        Change settings of a site; those not named stay. Another time zone applies from the next midnight that lies
        ahead in both zones, or at once with `is_empty`.

        Args:
            is_empty: the site has no events, so no day has boundaries yet.

        Raises:
            RegistryError: no such site, or a value is not allowed; nothing is changed then.
        """
        with self._connection.change() as transaction:
            site = self._one(transaction, domain)
            values = _checked(site, settings)
            if "timezone" in values:
                if is_empty:
                    forget_zones(transaction, site.id)
                else:
                    timezone = str(values["timezone"])
                    change_zone(transaction, site.id, site.days, timezone, self._clock.now_ms())
            if values:
                transaction.execute(update(SITES).where(SITES.c.id == site.id).values(values))
            if "shields" in settings:
                _replace_shields(transaction, site.id, settings["shields"])
            return self._one(transaction, site.domain)

    def _one(self, transaction: Connection, domain: str) -> Site:
        key = site_key(domain)
        row = transaction.execute(select(SITES).where(SITES.c.domain == key)).one_or_none()
        if row is None:
            row = transaction.execute(select(SITES).where(SITES.c.previous_domain == key)).one_or_none()
        if row is None:
            raise RegistryError(
                f"there is no site {key[:253]!r}: see `daysalt site list`, or add it with `daysalt site add`"
            )
        return self._site(transaction, row)

    def _site(self, transaction: Connection, row: Row[Any]) -> Site:
        shields = _shields(transaction, row.id).get(row.id, Shields())
        return _site(row, shields, zone_changes(transaction, row.id).get(row.id, ()), self._clock.now_ms())


def _checked(site: Site, settings: SiteSettings) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in settings.items():
        if name == "timezone":
            values[name] = checked_timezone(value)
        elif name == "k":
            values[name] = checked_k(value)
        elif name in ("public", "vault", "risk"):
            values[name] = checked_switch(name, value)
        elif name == "signals":
            values[name] = checked_choice(name, value, ("count", "drop"))
        elif name == "datacenter":
            values[name] = checked_choice(name, value, ("keep", "drop"))
        elif name == "preset":
            values[name] = checked_preset(value)
        elif name != "shields":
            raise RegistryError(
                f"{name!r} is not a setting of a site: "
                "use timezone, k, public, vault, risk, signals, datacenter or preset"
            )
    if values.get("preset", site.preset) == "cnil":
        if values.get("vault") or values.get("risk"):
            raise RegistryError(
                f"{site.domain} has the preset 'cnil', which keeps vault and risk off: take the preset away first"
            )
        values.update(vault=False, risk=False)
    return values


def _claim(transaction: Connection, key: str, site_id: int | None) -> None:
    # A present name wins over a remembered one: whoever is called this now gets its hits.
    if transaction.execute(select(SITES.c.id).where(SITES.c.domain == key)).first() is not None:
        raise RegistryError(f"there is a site {key} already: choose another domain, or see `daysalt site list`")
    taken = SITES.c.previous_domain == key
    if site_id is not None:
        taken = taken & (SITES.c.id != site_id)
    transaction.execute(update(SITES).where(taken).values(previous_domain=None))


def _shields(transaction: Connection, site_id: int | None) -> dict[int, Shields]:
    query = select(SHIELDS).order_by(SHIELDS.c.site_id, SHIELDS.c.kind, SHIELDS.c.value)
    if site_id is not None:
        query = query.where(SHIELDS.c.site_id == site_id)
    collected: dict[int, dict[str, list[str]]] = {}
    for row in transaction.execute(query):
        collected.setdefault(row.site_id, {}).setdefault(row.kind, []).append(row.value)
    return {
        number: Shields(**{kind: tuple(values) for kind, values in kinds.items()})
        for number, kinds in collected.items()
    }


def _replace_shields(transaction: Connection, site_id: int, shields: Shields | Mapping[str, Sequence[str]]) -> None:
    if isinstance(shields, Shields):
        shields = {kind: getattr(shields, kind) for kind in SHIELD_KINDS}
    for kind, entries in shields.items():
        checked = checked_shield(kind, entries)
        transaction.execute(delete(SHIELDS).where((SHIELDS.c.site_id == site_id) & (SHIELDS.c.kind == kind)))
        if checked:
            rows = [{"site_id": site_id, "kind": kind, "value": value} for value in checked]
            transaction.execute(insert(SHIELDS), rows)


def _site(row: Row[Any], shields: Shields, changes: tuple[ZoneChange, ...], now_ms: int) -> Site:
    return Site(
        id=row.id,
        domain=row.domain,
        previous_domain=row.previous_domain,
        timezone=SiteDays(row.timezone, changes).zone_at(now_ms),
        k=row.k,
        public=bool(row.public),
        vault=bool(row.vault),
        risk=bool(row.risk),
        signals=row.signals,
        datacenter=row.datacenter,
        preset=row.preset,
        shields=shields,
        created_ms=row.created_ms,
        zone_changes=changes,
    )
