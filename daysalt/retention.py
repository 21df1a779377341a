"""
Retention as the keeper and the command run it: keys first, then the store, then the proof.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from daysalt.vault.audit import UNREADABLE, AuditLog
from daysalt.vault.disclosures import DisclosureError, Disclosures
from ingest.keys.keyring import Keyring
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from ingest.retention.chain import ProofChain
from ingest.retention.executor import Dropped, Retention, StillThere
from ingest.retention.remains import delete_expired, files_of_day
from warehouse.client import Warehouse
from warehouse.clock import Clock
from warehouse.data_dir import STORE_SOCKET
from warehouse.local_socket import SocketAbsent, SocketRefused, call
from warehouse.log import logger
from warehouse.privacy.proofs import PROOFS_DIR
from warehouse.retire import RetiredDay, count_vault_day, drop_old_events, drop_vault_day, find_canary
from warehouse.settings import Settings

CANARY_MS = 10 * 60 * 1000
"""How often a canary that was not found is looked for again."""
STORE_SECONDS_MAX = 600
"""How long the store may take to drop a day or delete a month of rows."""


class RetentionStore(Protocol):
    """
    The store, as retention asks it. Each raises `StoreAway` when it does not answer.
    """

    def count(self, day: str) -> int: ...

    def drop(self, day: str) -> RetiredDay: ...

    def canary(self, day: str, index: bytes) -> bytes | None: ...

    def drop_events(self, before: str) -> int: ...


class StoreAway(Exception):
    """
    The store does not answer; what it must do waits, the keys are destroyed all the same.
    """


class OpenStore:
    """
    The warehouse, when this process has it.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def count(self, day: str) -> int:
        return count_vault_day(self._warehouse, day)

    def drop(self, day: str) -> RetiredDay:
        return drop_vault_day(self._warehouse, day)

    def canary(self, day: str, index: bytes) -> bytes | None:
        return find_canary(self._warehouse, day, index)

    def drop_events(self, before: str) -> int:
        return drop_old_events(self._warehouse, before)


class SocketStore:
    """
    The warehouse of a running store process.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / STORE_SOCKET

    def count(self, day: str) -> int:
        return int(self._ask("count_vault_day", day=day)["rows"])

    def drop(self, day: str) -> RetiredDay:
        return RetiredDay(**self._ask("drop_vault_day", day=day))

    def canary(self, day: str, index: bytes) -> bytes | None:
        return bytes.fromhex(self._ask("vault_canary", day=day, index=index.hex())["ciphertext"]) or None

    def drop_events(self, before: str) -> int:
        return int(self._ask("drop_old_events", before=before)["rows"])

    def _ask(self, operation: str, **arguments: str) -> dict[str, Any]:
        try:
            return call(self._path, operation, timeout_s=STORE_SECONDS_MAX, **arguments)
        except (SocketAbsent, SocketRefused) as error:
            raise StoreAway(str(error)) from error


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """
    What one run did.
    """

    destroyed: tuple[str, ...]
    """Days whose keys were destroyed in this run."""
    proved: tuple[str, ...]
    events_deleted: int
    files_deleted: int
    waiting: str
    """Why something is left to do, in one sentence; empty when nothing is."""


class RetentionPart:
    """
    Retention with its chain, for one installation.
    """

    def __init__(
        self, settings: Settings, clock: Clock, keyring: Keyring, calendar: SaltCalendar, vault_keys: VaultKeys
    ) -> None:
        """
        Raises:
            KeyringError: the chain of proofs or the state cannot be used.
        """
        directory = settings.data_dir / PROOFS_DIR
        self._settings = settings
        self._calendar = calendar
        self.retention = Retention(
            keyring=keyring,
            vault_keys=vault_keys,
            calendar=calendar,
            chain=ProofChain(directory, clock),
            directory=directory,
            retention_days=settings.ip_retention_days,
        )
        self._steps = threading.Lock()
        """One step at a time: the tick destroys while a thread waits for the store."""
        self.waiting = ""
        self._looked_ms = -CANARY_MS
        self._audit = AuditLog(settings.data_dir, settings.keys_dir, clock)
        self._disclosures = Disclosures(settings.data_dir, clock, vault_keys.days)
        self._tidied = False
        self._unreadable: set[str] = set()
        """Days whose canary did not open, told of once."""

    def destroy_due(self) -> list[str]:
        """
        Destroy what is due and prove what needs no store.

        Raises:
            KeyringError: keyring, chain or state cannot be written.
        """
        with self._steps:
            destroyed = self.retention.destroy_due()
            self.retention.prove_keys()
        if destroyed or not self._tidied:
            self._tidied = True
            try:
                self._disclosures.forget_dead()
            except DisclosureError as error:
                logger().error("indexes of dead days stay in the list of disclosures", reason=str(error))
        return destroyed

    @property
    def has_work(self) -> bool:
        """
        Whether the store is needed now.
        """
        return bool(self.retention.unfinished()) or self._events_due() is not None or self._canary_due

    def finish(self, store: RetentionStore, destroyed: list[str]) -> RetentionReport:
        """
        Do what is left after the keys: drop, look, prove; delete old event rows and quarantined files.

        Raises:
            KeyringError: proof or state cannot be written.
        """
        proved: list[str] = []
        events = 0
        self.waiting = ""
        files = delete_expired(self._settings.spool_dir, self._now(), self._settings.ip_retention_days)
        try:
            self._look_for_canaries(store)
            for day in self.retention.unfinished():
                self._finish_day(store, day)
                proved.append(day)
            before = self._events_due()
            if before is not None:
                events = store.drop_events(before)
                with self._steps:
                    self.retention.events_deleted(before)
        except StoreAway as error:
            self.waiting = f"the store must drop a day and does not answer: {error}"
        except StillThere as error:
            self.waiting = str(error)
        return RetentionReport(tuple(destroyed), tuple(proved), events, files, self.waiting)

    def status(self) -> dict[str, Any]:
        """
        Tell how things stand, as facts for JSON.
        """
        retention = self.retention
        days = sorted(retention.chain.days)
        return {
            "retention_days": self._settings.ip_retention_days,
            "event_retention_months": self._settings.event_retention_months,
            "proofs": len(retention.chain.records),
            "days_proved": len(days),
            "last_day_proved": days[-1] if days else None,
            "unfinished": retention.unfinished(),
            "behind_seconds": retention.behind_ms // 1000,
            "vault_open": not retention.trouble and not self._calendar.paused,
            "clock_confirmed": not self._calendar.paused,
            "events_deleted_before": retention.events_before or None,
            "trouble": self.trouble,
        }

    @property
    def trouble(self) -> str:
        """
        What is not well, in one sentence; empty when all is.
        """
        if self._calendar.paused:
            return (
                "the clock leapt ahead by more than 48 hours: nothing is destroyed and the vault is paused until "
                "`daysalt retention run` confirms it"
            )
        return self.retention.trouble

    @property
    def _canary_due(self) -> bool:
        now = self._calendar.now_ms()
        return now - self._looked_ms >= CANARY_MS and bool(self.retention.table_canaries.to_look_for())

    def _look_for_canaries(self, store: RetentionStore) -> None:
        """
        See on the last day of a day's life that its canary is in the vault's table and its key opens it.
        """
        with self._steps:
            wanted = self.retention.table_canaries.to_look_for()
        self._looked_ms = self._calendar.now_ms()
        for day, index in wanted:
            ciphertext = store.canary(day, index)
            if ciphertext is None:
                continue
            with self._steps:
                opened = self.retention.table_canaries.note(day, index, ciphertext)
            if not opened and day not in self._unreadable:
                self._unreadable.add(day)
                self._audit.append("retention", UNREADABLE, subject_kind="canary", day=day, outcome="refused")

    def _finish_day(self, store: RetentionStore, day: str) -> None:
        rows = store.count(day)
        with self._steps:
            self.retention.count_rows(day, rows)
        dropped = store.drop(day)
        index = self.retention.table_canaries.index(day)
        if index is not None and store.canary(day, index) is not None:
            raise StillThere(f"the canary of {day} is still in the vault's table")
        seen, hits = files_of_day(self._settings.spool_dir, day)
        with self._steps:
            self.retention.prove(
                day, Dropped(dropped.rows, dropped.rows_left, dropped.parts_left), files=seen, hits=hits
            )

    def _events_due(self) -> str | None:
        months = self._settings.event_retention_months
        if not months or self._calendar.paused:
            return None
        before = months_before(self._now().date(), months).isoformat()
        return before if before > self.retention.events_before else None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._calendar.now_ms() / 1000, UTC)


def months_before(day: date, months: int) -> date:
    """
    Tell the day so many months earlier; the last of the month where that month is shorter.
    """
    number = day.year * 12 + day.month - 1 - months
    year, month = max(1, number // 12), number % 12 + 1
    for last in (day.day, 30, 29, 28):
        if last <= day.day:
            try:
                return date(year, month, last)
            except ValueError:
                continue
    raise AssertionError(day)
