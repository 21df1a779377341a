"""
The keeper, parent of all: supervises the others, owns the calendar of salts, answers them and the commands over a
local socket. It opens the public port but never reads from it, so that a restarted collector refuses no connection.
After a key's death it becomes a new program, with empty memory, in the same process (`daysalt/handing_over.py`).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Any

from daysalt.children import Child, FatalChild, make_children
from daysalt.environment import complete_environment
from daysalt.figures import Figures
from daysalt.first_lists import fetch_missing_lists
from daysalt.handing_over import Handed, become, hold_signals, inherited, let_signals_through, starts
from daysalt.lifeline import watch_life_line
from daysalt.renewal import Renewal
from daysalt.retention_keeper import RetentionKeeper
from daysalt.risk_asked import RiskAsked
from daysalt.risk_desk import RiskDesk
from daysalt.vault.desk import desk_of_keeper
from daysalt.vault.keeping import VaultKeeping
from daysalt.vault.requests import KEY_PURPOSE as REQUEST_KEY
from ingest.keys.day_keys import DayKey
from ingest.keys.event_id_keys import EventIdKeys
from ingest.keys.keyring import Keyring
from ingest.keys.keys_directory import KeyringError
from ingest.keys.risk_keys import RiskKeys
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from ingest.midnight import TABLE_BYTES
from warehouse.clock import Clock
from warehouse.data_dir import KEEPER_SOCKET, DataDirLock
from warehouse.local_socket import Fields, Listening, SocketRefused, listen
from warehouse.log import logger
from warehouse.settings import Settings

TICK_SECONDS = 1.0
COLLECTOR_GRACE_SECONDS = 8
STORE_GRACE_SECONDS = 6
"""Together below the 15 seconds a stop may take (contract, section 1)."""
SILENT_SECONDS = 10
"""A process that reported nothing for this long is not well."""
SETTLING_TURNS, SETTLING_SECONDS = 5, 0.2
"""Turns of the event loop before the keeper becomes a new program, and how long it waits while it cannot."""
ZONES_MAX = 600
"""There are fewer time zones than this."""


class Keeper:
    """
    The parent process, for `serve` (everything) and `collect` (without the store).
    """

    def __init__(
        self, settings: Settings, clock: Clock, lock: DataDirLock, *, with_store: bool, handed: Handed | None = None
    ) -> None:
        """
        Open the keys and destroy what is overdue, before anything is served.

        Args:
            lock: of the data directory, held.
            handed: what the program before has left, when this one takes its place.

        Raises:
            KeyringError: the keys cannot be used.
        """
        self._settings = settings
        self._clock = clock
        self._lock = lock
        self._with_store = with_store
        self._handed = handed
        keyring = Keyring(
            settings.keys_dir,
            settings.root_key_file,
            clock,
            lock_descriptor=handed.keyring_lock if handed else None,
        )
        self._calendar = SaltCalendar(
            keyring, clock, lambda text: logger().error(text), believed=handed.believed if handed else None
        )
        self._event_id_keys = EventIdKeys(keyring, self._calendar)
        self._risk_keys = RiskKeys(keyring, self._calendar)
        self._vault = VaultKeeping(
            VaultKeys(keyring, self._calendar, settings.ip_retention_days),
            self._calendar,
            retention_days=settings.ip_retention_days,
            behind=lambda: self._retention.behind,
        )
        self._retention = RetentionKeeper(settings, clock, keyring, self._calendar)
        self._desk = desk_of_keeper(settings, clock, keyring, self._vault, lambda ip: self._risk_desk.forget(ip))
        self._risk_asked = RiskAsked(self._desk.audit, clock)
        self._risk_desk = RiskDesk(
            settings, clock, self._desk.audit, keys=self._risk_keys.living, objected=self._retention.objected
        )
        self._renewal = Renewal()
        self._keyring = keyring
        self._deaths = 0
        self._destroy_due()
        self._figures = Figures()
        self._heard_ms: dict[str, int] = {}
        self._troubles: dict[str, str] = {}
        self._keys_trouble = ""
        self._keys_unwritable = ""
        self._children: list[Child] = []
        self._stopping = asyncio.Event()
        self._fetching_lists: asyncio.Task[None] | None = None
        if handed is not None:
            self._figures.resume(handed.figures)
            self._desk.glass_broken = handed.glass_broken

    async def run(self, listener: socket.socket) -> int:
        """
        Serve on an opened port until told to stop.

        Returns:
            Exit code: 0 stopped as asked, 1 when a part cannot run (it said why).
        """
        watch_life_line(self._stopping.set)
        table_fd, control = await self._open()
        self._children = make_children(self._settings, listener.fileno(), table_fd, with_store=self._with_store)
        if self._handed is not None:
            for child in self._children:
                child.adopt(self._handed.children[child.name])
        supervising = [asyncio.create_task(child.supervise(), name=child.name) for child in self._children]
        self._renewal.watch_signal()
        let_signals_through()
        background = [
            asyncio.create_task(self._tick_forever()),
            asyncio.create_task(self._retention.finish_forever()),
            asyncio.create_task(
                self._renewal.run_forever(self._children, lambda: self._become_new(listener, table_fd, control))
            ),
        ]
        if self._settings.fetch_lists and self._handed is None:
            self._fetching_lists = asyncio.create_task(
                fetch_missing_lists(self._settings, complete_environment(self._settings))
            )
            background.append(self._fetching_lists)
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([stopped, *supervising], return_when=asyncio.FIRST_COMPLETED)
        logger().info("stopping")
        # First those who take events in, then the one who stores them.
        collectors = [child for child in self._children if child.name != "store"]
        await asyncio.gather(*(child.stop(COLLECTOR_GRACE_SECONDS) for child in collectors))
        await asyncio.gather(*(child.stop(STORE_GRACE_SECONDS) for child in self._children))
        for task in [*background, stopped]:
            task.cancel()
        outcomes = await asyncio.gather(*supervising, return_exceptions=True)
        await self._risk_asked.write()
        control.close()
        listener.close()
        return 1 if any(isinstance(outcome, FatalChild) for outcome in outcomes) else 0

    async def _open(self) -> tuple[int, Listening]:
        path = self._settings.data_dir / KEEPER_SOCKET
        if self._handed is not None:
            answering = inherited(self._handed.control)
            return self._handed.table, await listen(path, self._operations(), answering)
        table_fd = os.memfd_create("open-visits", os.MFD_CLOEXEC)
        os.ftruncate(table_fd, TABLE_BYTES)
        return table_fd, await listen(path, self._operations())

    async def _become_new(self, listener: socket.socket, table_fd: int, control: Listening) -> None:
        """
        Become a new program once nothing is under way, and nobody is kept waiting for longer than its start takes.
        Returns when it must not be now: it is asked for again, or the server stops.
        """
        environment = complete_environment(self._settings)
        if not await starts(environment):
            logger().error("the keeper cannot become a new program; its memory may hold destroyed keys until a restart")
            return
        while not (self._stopping.is_set() or self._renewal.asked or self._keys_trouble or self._keys_unwritable):
            control.pause()
            hold_signals()
            for _ in range(SETTLING_TURNS):  # what came before is heard
                await asyncio.sleep(0)
            await self._risk_asked.write()  # the next program knows no counts
            handed = self._hand_over(listener.fileno(), table_fd, control)
            try:
                if handed is not None:
                    become(["renewed"], environment, handed)
            except OSError as error:
                logger().error("the keeper could not become a new program", reason=error.strerror)
                return
            finally:
                let_signals_through()
                control.resume()
            await asyncio.sleep(SETTLING_SECONDS)

    def _hand_over(self, listen_fd: int, table_fd: int, control: Listening) -> Handed | None:
        """
        Write down what the next program needs; None while something is under way that it could not go on with.
        """
        children = {child.name: handed for child in self._children if (handed := child.hand_over()) is not None}
        fetching = self._fetching_lists is not None and not self._fetching_lists.done()
        if (
            len(children) < len(self._children)
            or fetching
            or not control.idle
            or self._retention.busy
            or self._renewal.asked
            or self._stopping.is_set()
        ):
            return None
        return Handed(
            with_store=self._with_store,
            listener=listen_fd,
            table=table_fd,
            control=control.descriptor,
            data_dir_lock=self._lock.descriptor,
            keyring_lock=self._keyring.lock_descriptor,
            children=children,
            figures=self._figures.snapshot(),
            believed=self._calendar.believed,
            glass_broken=self._desk.glass_broken,
        )

    def _operations(self) -> dict[str, Any]:
        return {
            "salts": self._salts,
            "report": self._report,
            "metrics": self._metrics,
            "status": self._status,
            **self._vault.operations(),
            **self._retention.operations(self._destroy_due),
            **self._desk.operations(),
            **self._risk_asked.operations(),
            **self._risk_desk.operations(),
        }

    async def _salts(self, timezones: list[str]) -> Fields:
        if len(timezones) > ZONES_MAX:
            raise SocketRefused("more time zones than there are")
        try:
            salts = self._calendar.salts(timezones)
            event_id_keys, risk_keys = self._event_id_keys.living(), self._risk_keys.living()
        except KeyringError as error:
            self._keys_trouble = str(error)
            raise SocketRefused(str(error)) from error
        self._keys_trouble = ""
        return {
            "salts": [
                {
                    "timezone": salt.timezone,
                    "day": salt.day,
                    "start_ms": salt.start_ms,
                    "end_ms": salt.end_ms,
                    "expires_ms": salt.expires_ms,
                    "key": salt.key.hex(),
                }
                for salt in salts
            ],
            "event_id_keys": [_day_key_fields(key) for key in event_id_keys],
            "risk_keys": [_day_key_fields(key) for key in risk_keys],
        }

    async def _report(
        self,
        process: str,
        pid: int,
        counters: Mapping[str, float],
        gauges: Mapping[str, float],
        dropped: Mapping[str, float] | None = None,
        scrubbed: Mapping[str, float] | None = None,
        trouble: str = "",
    ) -> Fields:
        self._figures.report(process, pid, counters, dropped or {}, gauges, scrubbed)
        self._heard_ms[process] = self._clock.monotonic_ms()
        self._troubles[process] = trouble
        for child in self._children:
            if child.name == process:
                child.hear(pid)
        return {"vault_stopped": self._vault.stopped}

    async def _metrics(self) -> Fields:
        self._figures.gauges["daysalt_process_restarts"] = sum(max(0, child.starts - 1) for child in self._children)
        self._figures.gauges["daysalt_vault_oldest_days"] = self._vault.oldest_days()
        self._retention.show(self._figures)
        return {"text": self._figures.text()}

    async def _status(self) -> Fields:
        parts: dict[str, tuple[str, str]] = {"keeper": ("ok", "")}
        if self._keys_trouble or self._keys_unwritable:
            parts["keys"] = ("degraded", self._keys_trouble or self._keys_unwritable)
        elif self._calendar.paused:
            parts["keys"] = ("degraded", "the clock leapt ahead by more than 48 hours; destruction is paused")
        else:
            parts["keys"] = ("ok", "")
        parts["vault"] = self._vault.part()
        parts["audit"] = ("degraded", self._risk_asked.trouble) if self._risk_asked.trouble else ("ok", "")
        parts.update(self._retention.parts())
        now = self._clock.monotonic_ms()
        for child in self._children:
            heard = self._heard_ms.get(child.name)
            if heard is None or now - heard > SILENT_SECONDS * 1000:
                parts[child.name] = ("degraded", "it is starting, or does not answer")
            elif self._troubles.get(child.name):
                parts[child.name] = ("degraded", self._troubles[child.name])
            else:
                parts[child.name] = ("ok", "")
        return {"parts": parts, "host": self._settings.host, "port": self._settings.port}

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self._destroy_due()
            except KeyringError as error:
                if self._keys_trouble != str(error):
                    logger().error("a key that is due could not be destroyed", reason=str(error))
                self._keys_trouble = str(error)
            self._look_at_keys()
            await self._risk_asked.write_due()

    def _look_at_keys(self) -> None:
        """
        Notice a keys directory that cannot be written before midnight needs it: until then collecting goes on.
        """
        trouble = ""
        try:
            self._keyring.check_writable()
        except KeyringError as error:
            trouble = str(error)
        if trouble and trouble != self._keys_unwritable:
            logger().error("no key can be made or destroyed", reason=trouble)
        self._keys_unwritable = trouble

    def _destroy_due(self) -> None:
        for key_id in self._calendar.destroy_due():
            logger().info("a salt was destroyed", time_zone=key_id.scope, day=key_id.day)
        for key_id in self._event_id_keys.destroy_due():
            logger().info("a key for event ids was destroyed", day=key_id.day)
        for key_id in self._risk_keys.destroy_due():
            logger().info("a key for risk ids was destroyed", day=key_id.day)
        self._retention.destroy_due()
        # Also what a command destroyed. A request's key dies with every look-up and is not worth new programs.
        deaths = sum(count for purpose, count in self._keyring.deaths.items() if purpose != REQUEST_KEY)
        if deaths != self._deaths:
            self._deaths = deaths
            self._renewal.ask()


def _day_key_fields(key: DayKey) -> Fields:
    return {"day": key.day, "expires_ms": key.expires_ms, "key": key.key.hex()}
