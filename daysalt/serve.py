"""
Starting the server: everything, or one role of it. Everything a start needs is checked here, before a port is open.
"""

from __future__ import annotations

import asyncio
import sys

from daysalt.first_start import StartError, open_port, tell, write_setup_token
from daysalt.handing_over import inherited, take_over
from daysalt.keeper import Keeper
from daysalt.named_lists import check_named_lists
from daysalt.own_address import base_url
from ingest.keys.keyring import KeyringError
from warehouse.clock import SystemClock
from warehouse.data_dir import LOCK_FILE, SETUP_TOKEN_FILE, DataDirError, DataDirLock, lock_data_dir
from warehouse.log import configure_logging, logger
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.settings import Settings


def run_serve(settings: Settings) -> int:
    """
    Run keeper, collectors and store.

    Returns:
        Exit code: 0 stopped as asked, 1 could not run (one sentence on stderr).
    """
    return _run_keeper(settings, with_store=True)


def run_renewed(settings: Settings, handed_over: int) -> int:
    """
    Go on as the keeper that another program was in this process.

    Args:
        handed_over: number of the open file in which it left what it had.
    """
    handed = take_over(handed_over)
    with DataDirLock(settings.data_dir / LOCK_FILE, handed.data_dir_lock) as lock:
        try:
            keeper = Keeper(settings, SystemClock(), lock, with_store=handed.with_store, handed=handed)
            logger().info("the keeper is a new program")
            return asyncio.run(keeper.run(inherited(handed.listener)))
        except KeyringError as error:
            print(f"daysalt: {error}", file=sys.stderr)
            return 1


def run_collect(settings: Settings) -> int:
    """
    Run keeper and collectors; drain and dashboard run elsewhere, on the same data directory.
    """
    return _run_keeper(settings, with_store=False)


def run_drain(settings: Settings, *, with_dashboard: bool) -> int:
    """
    Run the drain, and the dashboard in the same process if asked.
    """
    # Only here and below: the keeper, which this module also starts, must not hold engine and dashboard in its memory.
    from daysalt.store import run_store

    configure_logging(settings.log_level, part="store")
    # The number that tells a keeper not to start it again says nothing to a person.
    return 0 if run_store(settings, with_dashboard=with_dashboard) == 0 else 1


def run_dashboard(settings: Settings) -> int:
    """
    Run the dashboard alone, on the port of the settings.
    """
    configure_logging(settings.log_level, part="dashboard")
    if settings.warehouse_url.startswith("chdb:"):
        print(
            "daysalt: the embedded store has one owner: run `daysalt drain --with-dashboard` instead, or set "
            "DAYSALT_WAREHOUSE_URL to a ClickHouse server",
            file=sys.stderr,
        )
        return 1
    try:
        listener = open_port(settings.host, settings.port)
    except StartError as error:
        print(f"daysalt: {error}", file=sys.stderr)
        return 1
    from daysalt.store import run_dashboard as serve_dashboard

    return serve_dashboard(settings, listener)


def _run_keeper(settings: Settings, *, with_store: bool) -> int:
    configure_logging(settings.log_level, part="keeper")
    check_named_lists(settings)
    clock = SystemClock()
    try:
        lock = lock_data_dir(settings.data_dir)
    except DataDirError as error:
        print(f"daysalt: {error}", file=sys.stderr)
        return 1
    with lock:
        try:
            registry = Registry(settings.registry_url, clock)
            # It goes with its setting; but of many machines that share a registry, not every one need have it.
            if settings.admin_key or with_store:
                registry.keys.ensure_admin(settings.admin_key)
            link = write_setup_token(settings, registry)
            registry.close()
            keeper = Keeper(settings, clock, lock, with_store=with_store)
            listener = open_port(settings.host, settings.port)
            if link is not None:
                tell(
                    f"\nDaysalt is starting. Choose a password and add your site:\n\n    {link}\n",
                    settings.data_dir / SETUP_TOKEN_FILE,
                )
            elif with_store:
                tell(f"\nDaysalt is starting on {base_url(settings)}\n")
            logger().info("serving", host=settings.host, port=settings.port, workers=settings.workers)
            return asyncio.run(keeper.run(listener))
        except (KeyringError, RegistryError, StartError) as error:
            print(f"daysalt: {error}", file=sys.stderr)
            return 1
