"""
`daysalt export`: the numbers and events of a site as CSV files.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dashboard.context import Context
from daysalt.closer import Closer
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json, progress_bar
from daysalt.commands.registry import open_registry
from daysalt.commands.store import Answer, with_store
from daysalt.export import ExportError, export_site
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.migrate import migrate


def register(app: typer.Typer) -> None:
    """
    Add the command to the command line.
    """
    app.command("export", epilog="Example: daysalt export example.com --out example-export")(export)


def export(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The site's domain, such as example.com.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A directory that is not there yet, or empty.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Write a CSV file for each report, and the events of closed days without visitor ids.
    """
    settings = settings_for(data_dir)
    directory = out.absolute()
    with progress_bar(quiet=as_json) as report:

        def alone(warehouse: Warehouse) -> Answer:
            clock = SystemClock()
            migrate(warehouse, clock)
            done: Answer = {}
            with open_registry(settings) as registry:
                closer = Closer(warehouse, registry, clock, resting=threading.Lock(), caught_up_ms=clock.now_ms)
                site = registry.sites.find(domain)
                if site is None:
                    raise ExportError(f"there is no site {domain}: see `daysalt site list`")
                context = Context(warehouse, registry, clock, settings)
                for step in export_site(context, domain, directory, closer.closing_day(site)):
                    report(step.what, step.done, step.total)
                    done = asdict(step)
            return done

        answer = with_store(settings, alone, "export", report, domain=domain, out=str(directory))
    if as_json:
        print_json({"domain": domain, "directory": str(directory), "files": answer["done"]})
        return
    note(f"Wrote {answer['done']} files into {directory}.")
