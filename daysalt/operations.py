"""
What the commands ask of the process that owns the store. Each operation is the same function that a command runs
itself when no server is there.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from dashboard.context import Context
from daysalt.closer import Closer
from daysalt.export import ExportError, export_site
from daysalt.rebuilding import RebuildError, rebuild
from daysalt.record import live_columns
from daysalt.spool_retry import retry_refused
from daysalt.traffic.fill import SeedError, SeedTarget, seed_site
from daysalt.vault.stored_rows import Wanted, vault_operations
from ingest.spool.inventory import NothingSetAside
from warehouse.backup import BackupReport, write_backup
from warehouse.backup_manifest import BackupError
from warehouse.client import QueryTimeout, WarehouseRefused, WarehouseUnavailable
from warehouse.local_socket import Fields, Operation, SocketRefused
from warehouse.migrate import MigrationError, migration_status
from warehouse.retire import count_vault_day, drop_old_events, drop_vault_day
from warehouse.site_rows import forget_site
from warehouse.table_search import query_logs, search_tables

T = TypeVar("T")
FAILURES = (
    BackupError,
    ExportError,
    MigrationError,
    NothingSetAside,
    QueryTimeout,
    RebuildError,
    SeedError,
    WarehouseRefused,
    WarehouseUnavailable,
)


def store_operations(
    context: Context, resting: threading.Lock, closer: Closer | None = None, let_go: Callable[[Wanted], object] = len
) -> dict[str, Operation]:
    """
    Give the operations of `store.sock` by name.

    Args:
        resting: held by the drain while it carries a batch over; held here where tables must agree with each other.
        closer: builds rollups here; without one (no drain in this process) they are built by the command's own.
        let_go: tells the drain of the vault which rows are erased; nothing to tell without a drain in this process.
    """
    settings, warehouse, clock = context.settings, context.warehouse, context.clock

    async def status() -> Fields:
        return {"pid": os.getpid()}

    async def migrations() -> Fields:
        found = await _apart(lambda: migration_status(warehouse))
        return {"migrations": [asdict(migration) for migration in found]}

    async def forget(site_id: int) -> Fields:
        def work() -> int:
            with resting:
                return forget_site(warehouse, site_id)

        return {"removed": await _apart(work)}

    async def seed(**arguments: Any) -> AsyncIterator[Fields]:
        target = SeedTarget(**{name: arguments[name] for name in ("site_id", "domain", "timezone")})
        steps = seed_site(
            warehouse,
            clock,
            target,
            days=arguments["days"],
            events_per_day=arguments["events_per_day"],
            seed=arguments["seed"],
        )
        async for step in _steps(steps):
            yield asdict(step)

    async def backup(out: str) -> AsyncIterator[Fields]:
        told: asyncio.Queue[Fields | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def report(what: str, done: int, total: int, /) -> None:
            loop.call_soon_threadsafe(told.put_nowait, {"what": what, "done": done, "total": total})

        def work() -> BackupReport:
            with resting:
                return write_backup(
                    warehouse, settings.registry_url, Path(out), clock, report, data_dir=settings.data_dir
                )

        working = asyncio.create_task(_apart(work))
        working.add_done_callback(lambda _: told.put_nowait(None))
        while (line := await told.get()) is not None:
            yield line
        yield asdict(await working)

    async def columns() -> Fields:
        return {"columns": await _apart(lambda: live_columns(warehouse))}

    async def search(needles: list[str], numbers: list[str]) -> Fields:
        wanted = [bytes.fromhex(needle) for needle in needles]
        hits = await _apart(lambda: search_tables(warehouse, wanted, numbers))
        return {"hits": [asdict(hit) for hit in hits]}

    async def logs() -> Fields:
        return {"logs": await _apart(lambda: query_logs(warehouse))}

    async def count_vault(day: str) -> Fields:
        return {"rows": await _apart(lambda: count_vault_day(warehouse, day))}

    async def drop_vault(day: str) -> Fields:
        return asdict(await _apart(lambda: drop_vault_day(warehouse, day)))

    async def drop_events(before: str) -> Fields:
        def work() -> int:
            with resting:
                return drop_old_events(warehouse, before)

        return {"rows": await _apart(work)}

    async def rebuild_rollups(domain: str, first: str, last: str) -> AsyncIterator[Fields]:
        if closer is None:
            raise SocketRefused("this process has no drain: run the command beside the one that has")
        steps = rebuild(warehouse, context.registry, closer, domain, first, last)
        async for step in _steps(steps):
            yield asdict(step)

    async def export(domain: str, out: str) -> AsyncIterator[Fields]:
        site = await _apart(lambda: context.registry.sites.find(domain))
        if closer is None or site is None:
            reason = "this process has no drain" if site is not None else f"there is no site {domain}"
            raise SocketRefused(f"{reason}: see `daysalt site list`")
        async for step in _steps(export_site(context, domain, Path(out), closer.closing_day(site))):
            yield asdict(step)

    async def retry(name: str) -> Fields:
        def work() -> list[str]:
            with resting:
                return retry_refused(warehouse, settings.spool_dir, clock, name)

        return {"retried": await _apart(work)}

    return {
        "status": status,
        "migration_status": migrations,
        "forget_site": forget,
        "seed": seed,
        "backup": backup,
        "columns": columns,
        "search_tables": search,
        "query_logs": logs,
        "count_vault_day": count_vault,
        "drop_vault_day": drop_vault,
        "drop_old_events": drop_events,
        "rebuild_rollups": rebuild_rollups,
        "export": export,
        "retry_refused": retry,
        **vault_operations(warehouse, _apart, let_go),
    }


async def _apart(work: Callable[[], T]) -> T:
    """
    Run something that blocks in a thread; what goes wrong becomes one sentence for the asker.
    """
    try:
        return await asyncio.to_thread(work)
    except FAILURES as error:
        raise SocketRefused(str(error)) from error


async def _steps(steps: Iterator[T]) -> AsyncIterator[T]:
    done = object()
    while True:
        step = await _apart(lambda: next(steps, done))
        if step is done:
            return
        yield step  # type: ignore[misc]  # the sentinel is gone
