"""
Attacks 2 to 7: tying what is stored to a person, over days, sites, stores and midnight.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import msgspec
import pytest

from ingest import pseudonymize
from ingest.keys.keyring import Keyring
from ingest.keys.risk_keys import RiskKeys
from ingest.keys.salts import Salt, SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from ingest.midnight import TABLE_BYTES, OpenVisitTable
from ingest.pseudonymize import Pseudonymizer, Visitor
from ingest.risk_id import RiskIds
from ingest.vault.cipher import VaultCipher, blind_index, mapped_address
from tests.clocks import FakeClock
from tests.ingest import collectors
from tests.ingest.vault.lanes import DAY, Lane, hour, sighting
from warehouse.days import DAY_MS

V4 = "203.0.113.77"
ZONE = "Etc/UTC"
MINUTE_MS = 60_000


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


class Installation:
    """
    Keyring, calendar and a collector's salts on a clock of their own.
    """

    def __init__(self, folder: Path, now: str) -> None:
        self.folder = folder
        self.clock = FakeClock(at(now))
        self.keyring = Keyring(folder / "keys", folder / "keys" / "root.key", self.clock)
        self.calendar = SaltCalendar(self.keyring, self.clock, lambda _: None)
        self.pseudonymizer = Pseudonymizer(OpenVisitTable(bytearray(TABLE_BYTES)))
        self.refresh()

    def refresh(self) -> list[Salt]:
        """
        Do what keeper and collector do each second.
        """
        self.calendar.destroy_due()
        salts = self.calendar.salts([ZONE])
        self.pseudonymizer.install(salts)
        return salts

    def set(self, now: str) -> None:
        self.clock.advance(ms=at(now) - self.clock.now_ms())
        self.refresh()

    def visitor(self, address: str = V4, site: int = 1) -> Visitor:
        return self.pseudonymizer.visitor(
            timezone=ZONE,
            at_ms=self.clock.now_ms(),
            site_id=site,
            address=ip_address(address),
            user_agent="canary-agent",
            domain="site1.test",
        )


def addresses_hashing_to(visitor_id: int, keys: list[bytes], prefix: str) -> list[str]:
    """
    Try all 65,536 addresses of a /16 under every key, as somebody who has everything that is left could.
    """
    found: list[str] = []
    for key in keys:
        salt = Salt(ZONE, 0, 0, DAY_MS, DAY_MS, key)
        trying = Pseudonymizer(OpenVisitTable(bytearray(TABLE_BYTES)))
        trying.install([salt])
        first = int(IPv4Address(prefix))
        for number in range(first, first + 65_536):
            address = IPv4Address(number)
            visitor = trying.visitor(
                timezone=ZONE, at_ms=1, site_id=1, address=address, user_agent="canary-agent", domain="site1.test"
            )
            if visitor.id == visitor_id:
                found.append(str(address))
    return found


def test_02_brute_force_after_the_salts_death(tmp_path: Path) -> None:
    """
    With database, keyring and root key no address of the right /16 gives the stored id once the salt is dead; the same
    tool finds it at once while the salt lives (the control).
    """
    world = Installation(tmp_path, "2026-11-20T12:00:00")
    address = str(IPv4Address(int(IPv4Address("203.0.0.0")) + random.Random(2).randrange(65_536)))
    stored = world.visitor(address).id
    before = addresses_hashing_to(stored, [salt.key for salt in world.refresh()], "203.0.0.0")
    world.set("2026-11-21T00:30:00")
    # Opened anew, as a thief would: every key of every purpose that the directory still gives.
    world.keyring.close()
    stolen = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", world.clock)
    purposes = stolen.living
    keys = [key for purpose in purposes for key_id in stolen.ids(purpose) if (key := stolen.get(key_id)) is not None]

    assert [address] == before
    assert keys
    assert [] == addresses_hashing_to(stored, keys, "203.0.0.0")


def test_03_no_value_links_two_days(tmp_path: Path) -> None:
    """
    Same address, browser and site on two days: visitor id, risk id and blind index all differ. The control keeps the
    salt and the keys, and everything is equal.
    """
    world = Installation(tmp_path, "2026-11-20T12:00:00")
    risk, vault = RiskKeys(world.keyring, world.calendar), VaultKeys(world.keyring, world.calendar, 45)
    packed = ip_address(V4).packed

    def values() -> list[object]:
        ids = RiskIds()
        ids.install(risk.living())
        (key,) = vault.make([(1, vault.today())])
        assert key is not None
        index = blind_index(key, 1, mapped_address(packed, whole_ipv6=True))
        return [world.visitor().id, ids.risk_id(packed, world.clock.now_ms()), index]

    first, again = values(), values()
    world.set("2026-11-21T12:00:00")
    second = values()

    assert first == again, "the control: under the keys of one day they are equal"
    assert [False, False, False] == [one == other for one, other in zip(first, second, strict=True)]


COARSE = {
    "site_id", "name", "hostname", "pathname", "interactive", "scroll_depth", "engagement_ms", "props",
    "revenue_amount", "revenue_currency", "referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign",
    "utm_content", "utm_term", "click_id", "country", "region", "city", "browser", "browser_version", "os",
    "os_version", "device", "event_id",
}  # fmt: skip
"""What thousands share: page, source, place and device; empty here are campaign, revenue and the sender's own id."""


def test_03_two_days_of_a_visitor_share_coarse_fields_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of the same beacon on two days every field of the record is compared: equal are those that thousands share, and
    neither visitor nor visit. The control keeps the first day's salt, and the visitor is equal, too.
    """
    world = Installation(tmp_path, "2026-11-20T12:00:00")

    def shared(_table: OpenVisitTable) -> Pseudonymizer:
        return world.pseudonymizer

    monkeypatch.setattr(collectors, "Pseudonymizer", shared)
    collector = collectors.make_collector(tmp_path / "c", world.clock, salts=False)
    days: list[dict[str, object]] = []
    kept = world.refresh()
    for moment in ("2026-11-20T12:00:00", "2026-11-21T12:00:00"):
        world.set(moment)
        (event,) = collectors.events_of(collectors.send(collector))
        days.append(msgspec.structs.asdict(event))
    same = {name for name, value in days[0].items() if days[1][name] == value}
    until = world.clock.now_ms() + 1
    stretched = [Salt(one.timezone, one.day, one.start_ms, until, until, one.key) for one in kept]
    world.pseudonymizer.install(stretched)
    (weakened,) = collectors.events_of(collectors.send(collector))

    assert COARSE == same
    assert days[0]["visitor_id"] == weakened.visitor_id


def test_04_vault_and_events_join_by_the_hour_only(tmp_path: Path) -> None:
    """
    With both stores an event is matched by everybody whose bit of that hour is set, and by nothing finer. The control
    is a row that keeps the minute: there the one visitor of 13:07 stands alone.
    """
    clock = FakeClock(hour(14))
    lane = Lane(tmp_path, clock)
    moments = {f"198.51.100.{number}": hour(13) + number * MINUTE_MS for number in range(8, 28)}
    moments[V4] = hour(13) + 7 * MINUTE_MS + 22_000
    lone = {f"192.0.2.{number}": hour(2 + number) for number in range(3)}
    lane.sink.see([sighting(address, moment) for address, moment in (moments | lone).items()])
    lane.write()
    rows = lane.rows()
    candidates = [row for row in rows if row.hours >> 13 & 1]
    finer = [address for address, moment in moments.items() if moment // MINUTE_MS == hour(13) // MINUTE_MS + 7]

    assert {"site_id", "day", "bidx", "ct", "hours", "hits"} == set(rows[0].__struct_fields__)
    assert {DAY} == {row.day for row in rows}
    # k, the size of what an event of that hour may belong to: all who came in it. Whoever came alone in an hour stays
    # alone: `docs/privacy.md` says so.
    assert (21, 1) == (len(candidates), len([row for row in rows if row.hours >> 3 & 1]))
    assert [V4] == finer


def test_05_sites_do_not_share_a_visitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One person on two sites has two visitor ids and two blind indexes. The controls leave the site out of the hash, and
    out of the vault's index: there both are equal, so it is the site that keeps them apart.
    """
    world = Installation(tmp_path, "2026-11-20T12:00:00")
    vault = VaultKeys(world.keyring, world.calendar, 45)
    one, two = vault.make([(1, vault.today()), (2, vault.today())])
    assert one is not None
    assert two is not None
    address = mapped_address(ip_address(V4).packed, whole_ipv6=True)

    assert world.visitor(site=1).id != world.visitor(site=2).id
    assert len({blind_index(one, 1, address), blind_index(one, 2, address), blind_index(two, 2, address)}) == 3

    def without_site(_site_id: int, *rest: object) -> bytes:
        return real(0, *rest)  # type: ignore[arg-type]  # as it was called

    real = pseudonymize.visitor_message
    monkeypatch.setattr(pseudonymize, "visitor_message", without_site)
    assert world.visitor(site=1).id == world.visitor(site=2).id
    ciphers = [VaultCipher(one, site, vault.today()) for site in (1, 2)]
    assert 2 == len({cipher.index(address) for cipher in ciphers})
    for cipher in ciphers:
        cipher._site = b""  # pyright: ignore[reportPrivateUsage]  # weakened for this
    assert 1 == len({cipher.index(address) for cipher in ciphers})


def test_06_a_visit_over_midnight_keeps_its_id_and_no_longer(tmp_path: Path) -> None:
    """
    At 23:58, 00:05 and 00:20 one visitor of the old day; at 00:50 another one of the new day, and the old salt is gone
    from the keyring at 00:30. The control: who comes first at 00:05 is of the new day at once.
    """
    world = Installation(tmp_path, "2026-11-20T23:58:00")
    seen = [world.visitor()]
    newcomers: list[Visitor] = []
    for moment in ("2026-11-21T00:05:00", "2026-11-21T00:20:00", "2026-11-21T00:50:00"):
        world.set(moment)
        seen.append(world.visitor())
        newcomers.append(world.visitor("198.51.100.9"))
    days = [visitor.day for visitor in seen]

    assert 1 == len(set(seen[:3]))
    assert days[0] + 1 == days[3] == newcomers[0].day
    assert seen[3].id != seen[0].id
    assert ["2026-11-21"] == [key.day for key in world.keyring.ids("salt")]


def pinged_until_one(world: Installation, *, overlap_ms: int = 0) -> list[str]:
    """
    Ping once a minute from 23:30 to 01:00, and list the minutes that still have the old day's id.
    """
    old = world.visitor()
    kept: list[str] = []
    for minute in range(90):
        salts = world.refresh()
        if overlap_ms:
            world.pseudonymizer.install(
                Salt(salt.timezone, salt.day, salt.start_ms, salt.end_ms, salt.expires_ms + overlap_ms, salt.key)
                for salt in salts
            )
        if world.visitor().id == old.id:
            kept.append(f"{(23 * 60 + 30 + minute) // 60 % 24:02}:{minute + 30 - (minute + 30) // 60 * 60:02}")
        world.clock.advance(seconds=60)
    return kept


def test_07_an_endless_visit_is_cut(tmp_path: Path) -> None:
    """
    A ping each minute does not carry an id beyond 00:30. The control, a collector that keeps an expired salt in a
    keyring that destroys none, carries it on.
    """
    cut = pinged_until_one(Installation(tmp_path / "a", "2026-11-20T23:30:00"))
    weakened = Installation(tmp_path / "b", "2026-11-20T23:30:00")
    salt = weakened.refresh()
    weakened.calendar.destroy_due = list  # type: ignore[method-assign]  # weakened for this
    weakened.calendar.salts = lambda timezones: [*salt, *_next_day(weakened)]  # type: ignore[method-assign]
    endless = pinged_until_one(weakened, overlap_ms=3_600_000)

    assert ("23:30", "00:29") == (cut[0], cut[-1])
    assert ("23:30", "00:59") == (endless[0], endless[-1])


def _next_day(world: Installation) -> list[Salt]:
    return [Salt(ZONE, at("2026-11-21") // DAY_MS, at("2026-11-21"), at("2026-11-22"), at("2026-11-22"), b"n" * 32)]
