"""
What the keeper does with keys, for a command that has the data directory for itself.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from daysalt.retention import OpenStore, RetentionPart, RetentionReport
from ingest.keys.event_id_keys import EventIdKeys
from ingest.keys.keyring import Keyring
from ingest.keys.risk_keys import RiskKeys
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.log import logger
from warehouse.settings import Settings


@dataclass(frozen=True, slots=True)
class Alone:
    """
    Keyring, calendar and retention, opened for one command.
    """

    settings: Settings
    keyring: Keyring
    calendar: SaltCalendar
    part: RetentionPart

    def destroy_due(self) -> list[str]:
        """
        Destroy whatever is due of every kind, and prove it.

        Raises:
            KeyringError: something cannot be written.
        """
        self.calendar.destroy_due()
        EventIdKeys(self.keyring, self.calendar).destroy_due()
        RiskKeys(self.keyring, self.calendar).destroy_due()
        return self.part.destroy_due()

    def run(self) -> RetentionReport:
        """
        Destroy whatever is due and finish it in the store.

        Raises:
            KeyringError, WarehouseUnavailable: the next run goes on.
        """
        destroyed = self.destroy_due()
        warehouse = Warehouse(self.settings.warehouse_url)
        try:
            return self.part.finish(OpenStore(warehouse), destroyed)
        finally:
            warehouse.close()


@contextmanager
def retention_alone(settings: Settings) -> Generator[Alone]:
    """
    Open the keys. The data directory's lock must be held.

    Raises:
        KeyringError: they cannot be used.
    """
    clock = SystemClock()
    keyring = Keyring(settings.keys_dir, settings.root_key_file, clock)
    calendar = SaltCalendar(keyring, clock, lambda text: logger().warning(text))
    vault_keys = VaultKeys(keyring, calendar, settings.ip_retention_days)
    try:
        yield Alone(settings, keyring, calendar, RetentionPart(settings, clock, keyring, calendar, vault_keys))
    finally:
        keyring.close()
