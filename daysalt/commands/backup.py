"""
`daysalt backup` and `daysalt restore`.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import bytes_text, day_text, note, print_json, progress_bar
from daysalt.commands.registry import open_registry
from daysalt.commands.store import Answer, with_store
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.data_dir import DataDirInUse, lock_data_dir
from warehouse.migrate import migrate

POSTGRESQL = (
    "The registry is in PostgreSQL and is not part of this: copy it with pg_dump, and put it back with pg_restore."
)


def register(app: typer.Typer) -> None:
    """
    Add the commands to the command line.
    """
    app.command(epilog="Example: daysalt backup --out daysalt-2026-11-22.tar.gz")(backup)
    app.command(epilog="Example: daysalt restore daysalt-2026-11-22.tar.gz --data-dir new-data")(restore)


def backup(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to make; it must not exist.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Write registry and warehouse into one file. Keys, salts and the spool are never in it.
    """
    settings = settings_for(data_dir)
    from warehouse.backup import write_backup

    with open_registry(settings):
        pass  # a directory that was never used has a registry from now on, an empty one
    with progress_bar(quiet=as_json) as report:

        def alone(warehouse: Warehouse) -> Answer:
            migrate(warehouse, SystemClock())
            return asdict(
                write_backup(warehouse, settings.registry_url, out, SystemClock(), report, data_dir=settings.data_dir)
            )

        answer = with_store(settings, alone, "backup", report, out=str(out.absolute()))
    if as_json:
        print_json(answer)
        return
    rows = ", ".join(f"{count} {table}" for table, count in answer["rows"].items()) or "no rows"
    print(f"Wrote {answer['file']} ({bytes_text(answer['file_bytes'])}): {rows}.")
    if not answer["registry"]:
        note(POSTGRESQL)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `daysalt backup` made.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Put a backup back into an empty data directory. The server must not run.
    """
    settings = settings_for(data_dir)
    from warehouse.restore import restore_backup

    try:
        lock = lock_data_dir(settings.data_dir)
    except DataDirInUse:
        raise CommandError(
            f"a server runs on {settings.data_dir}: stop it first, or name another directory with --data-dir"
        ) from None
    with lock, progress_bar(quiet=as_json) as report:
        answer = restore_backup(
            file,
            data_dir=settings.data_dir,
            warehouse_url=settings.warehouse_url,
            registry_url=settings.registry_url,
            clock=SystemClock(),
            report=report,
        )
    if as_json:
        print_json(asdict(answer))
        return
    rows = ", ".join(f"{count} {table}" for table, count in answer.rows.items()) or "no rows"
    print(f"Put back {answer.sites} sites and {rows}, as they were on {day_text(answer.created_ms)}.")
    if not answer.registry:
        note(POSTGRESQL)
