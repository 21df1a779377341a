"""
Retention inside the keeper: ticks by itself, and answers the commands that look at it or at the keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict

from daysalt.figures import Figures
from daysalt.objections import ObjectionList
from daysalt.retention import RetentionPart, RetentionReport, SocketStore
from ingest.keys.keyring import Keyring, KeyringError
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from warehouse.clock import Clock
from warehouse.local_socket import Fields, Operation, SocketRefused
from warehouse.log import logger
from warehouse.settings import Settings

LOOK_SECONDS = 5.0
"""How often the store is asked again for what waits for it."""


class RetentionKeeper:
    """
    The keeper's part that keeps the periods.
    """

    def __init__(self, settings: Settings, clock: Clock, keyring: Keyring, calendar: SaltCalendar) -> None:
        """
        Raises:
            KeyringError: the chain of proofs cannot be used.
        """
        self._keyring = keyring
        self._calendar = calendar
        self._part = RetentionPart(
            settings, clock, keyring, calendar, VaultKeys(keyring, calendar, settings.ip_retention_days)
        )
        self._store = SocketStore(settings.data_dir)
        self._objections = ObjectionList(settings.keys_dir, keyring, clock)
        self._finishing = asyncio.Lock()
        self._alarm = ""

    @property
    def behind(self) -> str:
        """
        Why the vault must take no addresses now, in one sentence; empty while it may.
        """
        return self._part.trouble

    @property
    def busy(self) -> bool:
        """
        Whether a thread is at work on what the store is needed for.
        """
        return self._finishing.locked()

    def objected(self, address: str) -> str:
        """
        Tell what an address asked for: `objected`, `restricted`, or empty when nothing.
        """
        return self._objections.kind_of(address)

    def destroy_due(self) -> None:
        """
        Destroy the days of the vault that are due, and prove every key that was destroyed.

        Raises:
            KeyringError: something cannot be written; the next call goes on.
        """
        for day in self._part.destroy_due():
            logger().info("the keys of a day of the vault were destroyed", day=day)

    async def finish_forever(self) -> None:
        """
        Do what the store is needed for, whenever there is something.
        """
        while True:
            if self._part.has_work:
                await self._finish([])
            self._look()
            await asyncio.sleep(LOOK_SECONDS)

    def operations(self, destroy_all: Callable[[], None]) -> dict[str, Operation]:
        """
        Give the operations of `keeper.sock`.

        Args:
            destroy_all: destroys whatever is due of every kind.
        """

        async def run() -> Fields:
            before = set(self._part.retention.unfinished())
            try:
                self._calendar.believe_clock()
                destroy_all()
            except KeyringError as error:
                raise SocketRefused(str(error)) from error
            destroyed = [day for day in self._part.retention.unfinished() if day not in before]
            report = await self._finish(destroyed)
            if report is None:
                raise SocketRefused("the keyring or the chain of proofs cannot be written: see the server's log")
            return asdict(report)

        async def status() -> Fields:
            return self._part.status()

        async def keys_status() -> Fields:
            return keys_facts(self._keyring)

        async def keys_rotate(root: bool = False) -> Fields:
            try:
                return rotate_keys(self._keyring, root=root, prove=self.destroy_due)
            except KeyringError as error:
                raise SocketRefused(str(error)) from error

        return {
            "retention_run": run,
            "retention_status": status,
            "keys_status": keys_status,
            "keys_rotate": keys_rotate,
            **self._objections.operations(),
        }

    def parts(self) -> dict[str, tuple[str, str]]:
        """
        Tell whether retention is well, for `/health/ready`.
        """
        trouble = self._part.trouble
        return {"retention": ("degraded", trouble) if trouble else ("ok", "")}

    def show(self, figures: Figures) -> None:
        """
        Put retention's gauges among the figures.
        """
        figures.gauges["daysalt_retention_behind_seconds"] = self._part.retention.behind_ms // 1000
        figures.gauges["daysalt_retention_proofs"] = len(self._part.retention.chain.records)

    async def _finish(self, destroyed: list[str]) -> RetentionReport | None:
        async with self._finishing:
            try:
                report = await asyncio.to_thread(self._part.finish, self._store, destroyed)
            except KeyringError as error:
                logger().error("a destroyed day could not be proved", reason=str(error))
                return None
        for day in report.proved:
            logger().info("the destruction of a day of the vault is proved", day=day)
        if report.events_deleted or report.files_deleted:
            logger().info("old rows were deleted", rows=report.events_deleted, files=report.files_deleted)
        return report

    def _look(self) -> None:
        trouble = self._part.trouble
        if trouble and trouble != self._alarm:
            logger().error("retention needs somebody", reason=trouble)
        self._alarm = trouble


def keys_facts(keyring: Keyring) -> Fields:
    """
    Tell what the keyring holds, without any key.
    """
    return {
        "epoch": keyring.epoch,
        "living": keyring.living,
        "destroyed": len(keyring.tombstones()),
        "directory": str(keyring.directory),
    }


def rotate_keys(keyring: Keyring, *, root: bool, prove: Callable[[], object]) -> Fields:
    """
    Rotate the epoch key, and the root key first if asked.

    Args:
        prove: signs the proof of the epoch key that is gone.

    Raises:
        KeyringError: something cannot be written; what was not rotated is still good.
    """
    if root:
        keyring.rotate_root()
    keyring.rotate_epoch()
    prove()
    return {"epoch": keyring.epoch, "keys": sum(keyring.living.values()), "root": root}
