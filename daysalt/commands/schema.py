"""
`daysalt migrate`: the schema of registry and warehouse.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import print_json, print_table
from daysalt.commands.registry import open_registry
from daysalt.commands.store import Answer, with_store
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.migrate import migrate as apply_migrations
from warehouse.migrate import migration_status


def register(app: typer.Typer) -> None:
    """
    Add the command to the command line.
    """
    app.command(epilog="Example: daysalt migrate --status")(migrate)


def migrate(
    status: Annotated[bool, typer.Option("--status", help="Only tell where the warehouse stands.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Bring the schema of registry and warehouse up to this version. A server does so by itself when it starts.
    """
    settings = settings_for(data_dir)
    if not status:
        with open_registry(settings):
            pass  # opening it is what brings it up to date

    def alone(warehouse: Warehouse) -> Answer:
        if not status:
            apply_migrations(warehouse, SystemClock())
        return {"migrations": [asdict(migration) for migration in migration_status(warehouse)]}

    # A running server has applied everything already, so both forms ask it the same.
    answer = with_store(settings, alone, "migration_status")
    migrations: list[dict[str, object]] = answer["migrations"]
    if as_json:
        print_json(migrations)
    else:
        rows = [[f"{row['number']:04}", str(row["name"]), str(row["state"])] for row in migrations]
        print_table(("number", "name", "state"), rows, empty="")
    unfinished = [row for row in migrations if row["state"] == "half applied"]
    if unfinished:
        raise CommandError(
            f"migration {unfinished[0]['number']} is half applied: restore a backup with `daysalt restore`, "
            "or finish its statements by hand"
        )
