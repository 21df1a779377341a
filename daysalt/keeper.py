"""
The keeper, parent of all: supervises the others, owns the calendar of salts, answers them and the commands over a
local socket. It opens the public port but never reads from it, so that a restarted collector refuses no connection.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daysalt.children import Child, FatalChild
from daysalt.environment import complete_environment
from daysalt.figures import Figures
from daysalt.first_lists import fetch_missing_lists
from daysalt.lifeline import watch_life_line
from daysalt.own_address import setup_link
from daysalt.renewal import Renewal
from daysalt.retention_keeper import RetentionKeeper
from daysalt.vault.desk import desk_of_keeper
from daysalt.vault.keeping import VaultKeeping
from ingest.keys.day_keys import DayKey
from ingest.keys.event_id_keys import EventIdKeys
from ingest.keys.keyring import Keyring
from ingest.keys.keys_directory import KeyringError
from ingest.keys.risk_keys import RiskKeys
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from ingest.midnight import TABLE_BYTES
from warehouse.clock import Clock
from warehouse.data_dir import KEEPER_SOCKET, SETUP_TOKEN_FILE, write_private
from warehouse.local_socket import Fields, SocketRefused, listen
from warehouse.log import logger
from warehouse.registry.database import Registry
from warehouse.settings import Settings

TICK_SECONDS = 1.0
BACKLOG = 2048
COLLECTOR_GRACE_SECONDS = 8
STORE_GRACE_SECONDS = 6
"""Together below the 15 seconds a stop may take (contract, section 1)."""
SILENT_SECONDS = 10
"""A process that reported nothing for this long is not well."""
ZONES_MAX = 600
"""There are fewer time zones than this."""


class StartError(Exception):
    """
    The server cannot start. The text is one sentence that says what to do.
    """


class Keeper:
    """
    The parent process, for `serve` (everything) and `collect` (without the store).
    """

    def __init__(self, settings: Settings, clock: Clock, *, with_store: bool) -> None:
        """
        Open the keys and destroy what is overdue, before anything is served.

        Raises:
            KeyringError: the keys cannot be used.
        """
        self._settings = settings
        self._clock = clock
        self._with_store = with_store
        keyring = Keyring(settings.keys_dir, settings.root_key_file, clock)
        self._calendar = SaltCalendar(keyring, clock, lambda text: logger().error(text))
        self._event_id_keys = EventIdKeys(keyring, self._calendar)
        self._risk_keys = RiskKeys(keyring, self._calendar)
        self._vault = VaultKeeping(
            VaultKeys(keyring, self._calendar, settings.ip_retention_days),
            self._calendar,
            retention_days=settings.ip_retention_days,
            behind=lambda: self._retention.behind,
        )
        self._retention = RetentionKeeper(settings, clock, keyring, self._calendar)
        self._desk = desk_of_keeper(settings, clock, keyring, self._vault.keys, lambda: self._vault.closed)
        self._renewal = Renewal()
        self._destroy_due()
        self._figures = Figures()
        self._heard_ms: dict[str, int] = {}
        self._troubles: dict[str, str] = {}
        self._keys_trouble = ""
        self._keys_unwritable = ""
        self._keyring = keyring
        self._children: list[Child] = []

    async def run(self, listener: socket.socket) -> int:
        """
        Serve on an opened port until told to stop.

        Returns:
            Exit code: 0 stopped as asked, 1 when a part cannot run (it said why).
        """
        stopping = asyncio.Event()
        watch_life_line(stopping.set)
        table_fd = os.memfd_create("open-visits", os.MFD_CLOEXEC)
        os.ftruncate(table_fd, TABLE_BYTES)
        control = await listen(self._settings.data_dir / KEEPER_SOCKET, self._operations())
        self._children = self._make_children(listener.fileno(), table_fd)
        supervising = [asyncio.create_task(child.supervise(), name=child.name) for child in self._children]
        background = [
            asyncio.create_task(self._tick_forever()),
            asyncio.create_task(self._retention.finish_forever()),
            asyncio.create_task(self._renewal.run_forever(self._children)),
        ]
        if self._settings.fetch_lists:
            environment = complete_environment(self._settings)
            background.append(asyncio.create_task(fetch_missing_lists(self._settings, environment)))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait([stopped, *supervising], return_when=asyncio.FIRST_COMPLETED)
        logger().info("stopping")
        # First those who take events in, then the one who stores them.
        collectors = [child for child in self._children if child.name != "store"]
        await asyncio.gather(*(child.stop(COLLECTOR_GRACE_SECONDS) for child in collectors))
        await asyncio.gather(*(child.stop(STORE_GRACE_SECONDS) for child in self._children))
        for task in [*background, stopped]:
            task.cancel()
        outcomes = await asyncio.gather(*supervising, return_exceptions=True)
        control.close()
        listener.close()
        return 1 if any(isinstance(outcome, FatalChild) for outcome in outcomes) else 0

    def _make_children(self, listen_fd: int, table_fd: int) -> list[Child]:
        environment = complete_environment(self._settings)
        children = [
            Child(
                name=f"collector-{number}",
                arguments=("collector", f"collector-{number}", str(listen_fd), str(table_fd)),
                environment=environment,
                fds=(listen_fd, table_fd),
            )
            for number in range(1, self._settings.workers + 1)
        ]
        children.append(Child(name="risk", arguments=("risk",), environment=environment))
        if self._with_store:
            children.append(Child(name="store", arguments=("store", "drain", "dashboard"), environment=environment))
        return children

    def _operations(self) -> dict[str, Any]:
        return {
            "salts": self._salts,
            "report": self._report,
            "metrics": self._metrics,
            "status": self._status,
            **self._vault.operations(),
            **self._retention.operations(self._destroy_due),
            **self._desk.operations(),
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
            self._renewal.ask()
        for key_id in self._event_id_keys.destroy_due():
            logger().info("a key for event ids was destroyed", day=key_id.day)
        for key_id in self._risk_keys.destroy_due():
            logger().info("a key for risk ids was destroyed", day=key_id.day)
        self._retention.destroy_due()


def write_setup_token(settings: Settings, registry: Registry) -> str | None:
    """
    While nobody can sign in, put the set-up token into a file only we can read.

    Returns:
        The link to open, or None when there is somebody already.
    """
    path = settings.data_dir / SETUP_TOKEN_FILE
    token = registry.users.first_token()
    if token is None:
        path.unlink(missing_ok=True)
        return None
    write_private(path, token + "\n")
    return setup_link(settings, token)


def open_port(host: str, port: int) -> socket.socket:
    """
    Open a listening port.

    Raises:
        StartError: it is taken, or not ours to open.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        # The resolver's own numbers for a name nobody knows are below 0.
        foreign = (error.errno or 0) < 0 or error.errno == errno.EADDRNOTAVAIL
        advice = (
            "set DAYSALT_HOST to an address of this machine"
            if foreign
            else "stop what uses it, or choose another with PORT= or --port"
        )
        raise StartError(f"port {port} on {host} cannot be opened ({error.strerror}): {advice}") from error
    listener.setblocking(False)  # the method's own way
    return listener


def _day_key_fields(key: DayKey) -> Fields:
    return {"day": key.day, "expires_ms": key.expires_ms, "key": key.key.hex()}


def private_memory() -> None:
    """
    Keep keys out of core dumps, in this process and all it starts.
    """
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def tell(text: str, path: Path | None = None) -> None:
    """
    Say something to the person at the terminal; a token never goes where output is collected.
    """
    if sys.stderr.isatty():
        print(text, file=sys.stderr)
    elif path is not None:
        logger().info("first start: the set-up token is in a file", file=str(path))
