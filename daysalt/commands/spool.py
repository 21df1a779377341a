"""
`daysalt spool`: what waits for the warehouse, and what was set aside because it could not be stored or read.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from daysalt.commands.failures import FAILED
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import bytes_text, day_text, note, print_json, print_table
from daysalt.commands.store import Answer, with_store
from daysalt.spool_retry import retry_refused
from ingest.spool.inventory import choose, list_lanes, list_set_aside
from ingest.spool.inventory import discard as discard_chosen
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.migrate import migrate

app = typer.Typer(
    name="spool",
    help="Look at what waits for the warehouse, and at what was set aside.",
    epilog="Example: daysalt spool status",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="[FILE]", help="One file that `daysalt spool status` names; all of them.")]


@app.callback()
def spool() -> None:
    """
    Look at what waits for the warehouse, and at what was set aside.
    """


@app.command(epilog="Example: daysalt spool status --json")
def status(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Show what waits in each lane and what was set aside; exit code 1 when anything was.
    """
    settings = settings_for(data_dir)
    lanes, aside = list_lanes(settings.spool_dir), list_set_aside(settings.spool_dir)
    if as_json:
        print_json(
            {
                "bytes": sum(lane.bytes for lane in lanes),
                "bytes_max": settings.spool_max_bytes,
                "lanes": [asdict(lane) for lane in lanes],
                "set_aside": [asdict(file) for file in aside],
            }
        )
    else:
        rows = [
            [lane.lane, "waiting", bytes_text(lane.bytes), day_text(lane.oldest_ms) if lane.oldest_ms else ""]
            for lane in lanes
        ]
        rows += [[file.name, file.kind, bytes_text(file.bytes), day_text(file.written_ms)] for file in aside]
        print_table(["what", "state", "size", "since"], rows, empty="")
    if aside:
        note("Set aside: try again with `daysalt spool retry`, or give up with `daysalt spool discard`.")
        raise typer.Exit(FAILED)


@app.command(epilog="Example: daysalt spool retry batch-17.refused")
def retry(name: Name = "", as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Give batches that the warehouse refused to the drain once more. Damaged bytes stay where they are.
    """
    settings = settings_for(data_dir)

    def alone(warehouse: Warehouse) -> Answer:
        clock = SystemClock()
        migrate(warehouse, clock)
        return {"retried": retry_refused(warehouse, settings.spool_dir, clock, name)}

    # Nothing to retry needs no store, and no server that has one.
    answer: Answer = {"retried": []}
    if choose(settings.spool_dir, name, refused_only=True):
        answer = with_store(settings, alone, "retry_refused", name=name)
    if as_json:
        print_json(answer)
    else:
        note(f"Gave {len(answer['retried'])} batches to the drain once more; what it refuses again comes back here.")


@app.command(epilog="Example: daysalt spool discard --yes")
def discard(
    name: Name = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Delete what was set aside for good. What waits in the lanes is never touched.
    """
    settings = settings_for(data_dir)
    chosen = choose(settings.spool_dir, name)
    if chosen and not yes:
        typer.confirm(f"Delete {len(chosen)} files with what could not be stored, for good?", abort=True, err=True)
    freed = discard_chosen(settings.spool_dir, chosen)
    if as_json:
        print_json({"discarded": [file.name for file in chosen], "bytes": freed})
    else:
        note(f"Deleted {len(chosen)} files ({bytes_text(freed)}).")
