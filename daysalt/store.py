"""
The store process: drain, engine and dashboard. It holds no secret, and its crash or a heavy query never stops
collecting: the spool waits.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from dashboard.app import build_app
from dashboard.context import Context
from daysalt.children import FATAL_EXIT
from daysalt.drain_thread import DrainThread
from daysalt.garbage import settle_memory
from daysalt.import_operations import import_operations
from daysalt.lifeline import watch_life_line
from daysalt.mapped_code import LET_GO_FIRST_SECONDS, LET_GO_SECONDS, let_go_of_code
from daysalt.niceness import STORE_NICENESS, step_merges_back
from daysalt.operations import store_operations
from daysalt.patience import patiently
from daysalt.quiet_server import QuietServer
from ingest.imports.importer import Importer
from ingest.tracker.scripts import shared_integrity
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.data_dir import DASHBOARD_SOCKET, KEEPER_SOCKET, STORE_SOCKET
from warehouse.local_socket import SocketAbsent, SocketRefused, bind_private, call, listen
from warehouse.log import logger
from warehouse.migrate import MigrationError, migrate
from warehouse.registry.database import Registry
from warehouse.sealing.seal import resume_sealing
from warehouse.settings import Settings

GRACE_SECONDS = 5
CALL_SECONDS = 5.0
REPORT_SECONDS = 1.0
LOCK_TRIES, LOCK_WAIT_SECONDS = 75, 0.2


def run_store(settings: Settings, *, with_drain: bool = True, with_dashboard: bool = True) -> int:
    """
    Run until told to stop.

    Returns:
        Exit code: 0 stopped, `FATAL_EXIT` when somebody has to act first (it was said on stderr).
    """
    os.nice(STORE_NICENESS)
    clock = SystemClock()
    lock = _lock_drain(settings.data_dir / "drain") if with_drain else None
    if with_drain and lock is None:
        print(
            f"daysalt: another drain works on {settings.data_dir}, and a spool has one: stop that one first",
            file=sys.stderr,
        )
        return FATAL_EXIT
    warehouse = Warehouse(settings.warehouse_url)
    try:
        applied = patiently(lambda: len(migrate(warehouse, clock)))
        if with_drain:
            # Before anything reads or writes: the rows of a day may lie half here and half there.
            patiently(lambda: resume_sealing(warehouse, settings.data_dir / "drain"))
    except MigrationError as error:
        print(f"daysalt: {error}", file=sys.stderr)
        return FATAL_EXIT
    if applied:
        logger().info("the warehouse was migrated", migrations=applied)
    step_merges_back()
    registry = Registry(settings.registry_url, clock)
    drain_thread = DrainThread(settings, warehouse, registry, clock) if with_drain else None
    resting = drain_thread.resting if drain_thread is not None else threading.Lock()
    changed = drain_thread.closer.changed if drain_thread is not None else None
    named = drain_thread.drain.big_cells if drain_thread is not None else None

    def site_exists(site_id: int) -> bool:
        return registry.sites.by_id(site_id) is not None

    importer = Importer(
        *(settings.data_dir, warehouse, clock),
        resting=resting,
        changed=changed,
        big_cells=named,
        site_exists=site_exists,
    )
    integrity = shared_integrity()
    context = Context(
        warehouse, registry, clock, settings, importing=importer, script_integrity=integrity, resting=resting
    )
    threading.Thread(target=_resume_imports, args=(importer,), name="imports", daemon=True).start()
    asyncio.run(_serve(context, drain_thread, importer, with_dashboard=with_dashboard))
    registry.close()
    warehouse.close()
    return FATAL_EXIT if drain_thread is not None and drain_thread.fatal else 0


def _lock_drain(directory: Path) -> int | None:
    """
    Become the one drain of a spool. After a crash the old one may need a moment to notice that its keeper is gone.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(directory / "drain.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    wait = threading.Event()
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait.wait(LOCK_WAIT_SECONDS)
        else:
            return descriptor
    os.close(descriptor)
    return None


def run_dashboard(settings: Settings, listener: socket.socket) -> int:
    """
    Run the dashboard alone, on a port of its own, until told to stop. The drain is somewhere else.
    """
    clock = SystemClock()
    warehouse, registry = Warehouse(settings.warehouse_url), Registry(settings.registry_url, clock)
    context = Context(
        warehouse=warehouse, registry=registry, clock=clock, settings=settings, script_integrity=shared_integrity()
    )

    async def serve() -> None:
        stopping = asyncio.Event()
        watch_life_line(stopping.set)
        server = _dashboard_server(context, date_header=True)
        serving = asyncio.create_task(server.serve([listener]))
        await stopping.wait()
        server.should_exit = True
        await serving

    asyncio.run(serve())
    registry.close()
    warehouse.close()
    return 0


def _dashboard_server(context: Context, *, date_header: bool) -> QuietServer:
    return QuietServer(
        uvicorn.Config(
            build_app(context),
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=date_header,
            log_config=None,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def _resume_imports(importer: Importer) -> None:
    try:
        finished = importer.resume()
    except Exception as error:  # the next import of the site tries again
        logger().warning("an import was not finished yet", reason=type(error).__name__)
    else:
        if finished:
            logger().info("imports were finished that the last run had left", imports=finished)


async def _serve(context: Context, drain: DrainThread | None, importer: Importer, *, with_dashboard: bool) -> None:
    settings = context.settings
    stopping = asyncio.Event()
    watch_life_line(stopping.set)
    closer = drain.closer if drain is not None else None
    let_go = drain.vault.drain.let_go if drain is not None else len
    operations = {**store_operations(context, importer.resting, closer, let_go), **import_operations(importer)}
    control = await listen(settings.data_dir / STORE_SOCKET, operations)
    server: QuietServer | None = None
    tasks: list[asyncio.Task[Any]] = []
    tasks.append(asyncio.create_task(_let_go_forever()))
    if drain is not None:
        drain.start()
        drain.closer.start()
        tasks.append(asyncio.create_task(_report_forever(settings.data_dir / KEEPER_SOCKET, drain, stopping)))
    if with_dashboard:
        listener = bind_private(settings.data_dir / DASHBOARD_SOCKET)
        # The collector, who hands the answers on, writes the date.
        server = _dashboard_server(context, date_header=False)
        tasks.append(asyncio.create_task(server.serve([listener])))
    settle_memory()
    await stopping.wait()
    importer.stopping.set()
    control.close()
    if server is not None:
        server.should_exit = True
        await tasks[-1]
    if drain is not None:
        await asyncio.to_thread(drain.closer.stop, GRACE_SECONDS)
        await asyncio.to_thread(drain.stop, GRACE_SECONDS)
    for task in tasks:
        task.cancel()


async def _let_go_forever() -> None:
    wait = LET_GO_FIRST_SECONDS
    while True:
        await asyncio.sleep(wait)
        await asyncio.to_thread(let_go_of_code)
        wait = LET_GO_SECONDS


async def _report_forever(keeper: Path, drain: DrainThread, stopping: asyncio.Event) -> None:
    news, loop = asyncio.Event(), asyncio.get_running_loop()
    # That all is stored is told at once, the rest once a second.

    def caught_up() -> None:
        with suppress(RuntimeError):  # the loop is over; so is whoever wanted to know
            loop.call_soon_threadsafe(news.set)

    drain.caught_up = caught_up
    while not stopping.is_set():
        news.clear()
        drain.drain.look()
        if drain.fatal:
            stopping.set()
            return
        counters = drain.drain.counters
        # Unheard, it is told again in a second.
        with suppress(SocketAbsent, SocketRefused):
            await asyncio.to_thread(
                call,
                keeper,
                "report",
                timeout_s=CALL_SECONDS,
                process="store",
                pid=os.getpid(),
                counters={
                    "daysalt_events_flushed": counters.events,
                    "daysalt_batches_flushed": counters.batches,
                    "daysalt_batches_quarantined": counters.quarantined,
                    "daysalt_spool_damage": drain.damage,
                    "daysalt_vault_rows_flushed": drain.vault.drain.rows,
                },
                gauges={"daysalt_drain_lag_seconds": drain.drain.lag_ms / 1000},
                trouble=drain.trouble or drain.vault.trouble,
            )
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), REPORT_SECONDS)
