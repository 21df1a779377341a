"""
An installation in miniature: keyring, vault keys and retention over a store that is a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from daysalt.retention import RetentionPart, StoreAway
from ingest.keys.day_keys import DAY_MS, iso_day
from ingest.keys.event_id_keys import EventIdKeys
from ingest.keys.keyring import Keyring
from ingest.keys.risk_keys import RiskKeys
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from ingest.retention.canary import ADDRESS
from ingest.vault.cipher import VaultCipher
from ingest.vault.row import VAULT_SITE
from tests.clocks import FakeClock
from warehouse.retire import RetiredDay
from warehouse.settings import load_settings


@dataclass
class FakeStore:
    """
    Rows of the vault by day; `away` says that the store does not answer.
    """

    rows: dict[str, int] = field(default_factory=dict[str, int])
    canaries: dict[str, tuple[bytes, bytes]] = field(default_factory=dict[str, tuple[bytes, bytes]])
    """Index and ciphertext of the vault's own row."""
    away: bool = False

    def count(self, day: str) -> int:
        self._answer()
        return self.rows.get(day, 0)

    def drop(self, day: str) -> RetiredDay:
        self._answer()
        self.canaries.pop(day, None)
        return RetiredDay(self.rows.pop(day, 0), 0, 0)

    def canary(self, day: str, index: bytes) -> bytes | None:
        self._answer()
        known, ciphertext = self.canaries.get(day, (b"", b""))
        return ciphertext if known == index else None

    def drop_events(self, before: str) -> int:
        self._answer()
        return 0

    def _answer(self) -> None:
        if self.away:
            raise StoreAway("nobody listens")


class World:
    """
    Started anew by `restart`, as a keeper is: everything is read from disk again.
    """

    def __init__(self, directory: Path, clock: FakeClock, *, retention_days: int = 45) -> None:
        self.clock = clock
        self.store = FakeStore()
        self._directory = directory
        self._retention_days = retention_days
        self.alarms: list[str] = []
        self._open()

    def restart(self, *, retention_days: int | None = None) -> None:
        """
        Close everything and start as after a crash or a stop.
        """
        self._retention_days = self._retention_days if retention_days is None else retention_days
        self.keyring.close()
        self._open()

    def _open(self) -> None:
        settings = load_settings(
            {
                "DAYSALT_DATA_DIR": str(self._directory / "data"),
                "DAYSALT_IP_RETENTION_DAYS": str(self._retention_days),
            }
        )
        self.settings = settings
        self.keyring = Keyring(settings.keys_dir, settings.root_key_file, self.clock)
        self.calendar = SaltCalendar(self.keyring, self.clock, self.alarms.append)
        self.vault_keys = VaultKeys(self.keyring, self.calendar, settings.ip_retention_days)
        self.event_id_keys = EventIdKeys(self.keyring, self.calendar)
        self.risk_keys = RiskKeys(self.keyring, self.calendar)
        self.part = RetentionPart(settings, self.clock, self.keyring, self.calendar, self.vault_keys)

    @property
    def today(self) -> str:
        return iso_day(self.clock.now_ms() // DAY_MS)

    def live(self, sites: tuple[int, ...] = (1, 2)) -> dict[int, bytes]:
        """
        Do what a day does: salts and keys are asked for, addresses are written.

        Returns:
            The vault's keys of today by site; none while the vault is closed.
        """
        self.calendar.salts(["Europe/Stockholm", "America/New_York"])
        self.event_id_keys.living()
        self.risk_keys.living()
        if self.part.trouble:
            return {}
        number = self.clock.now_ms() // DAY_MS
        keys = self.vault_keys.make([(site, number) for site in sites])
        (own,) = self.vault_keys.make([(VAULT_SITE, number)])
        if own is not None:
            cipher = VaultCipher(own, VAULT_SITE, number)
            index = cipher.index(ADDRESS)
            self.store.canaries[self.today] = index, cipher.seal(index, ADDRESS)
        self.store.rows[self.today] = self.store.rows.get(self.today, 0) + len(sites)
        return {site: key for site, key in zip(sites, keys, strict=True) if key is not None}

    def tick(self) -> None:
        """
        Do what the keeper does all the time.
        """
        self.calendar.destroy_due()
        self.event_id_keys.destroy_due()
        self.risk_keys.destroy_due()
        destroyed = self.part.destroy_due()
        if self.part.has_work:
            self.part.finish(self.store, destroyed)


class Crash(BaseException):
    """
    The process ends here. Not an `Exception`: nothing may catch it, as nothing catches a power cut.
    """


def crashing(step: Callable[..., object]) -> Callable[..., object]:
    """
    Let the process die right after a step.
    """

    def die(*arguments: object, **named: object) -> object:
        step(*arguments, **named)
        raise Crash

    return die
