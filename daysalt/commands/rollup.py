"""
`daysalt rollup`: what closed days came to, counted anew.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Annotated

import typer

from daysalt.closer import Closer
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json, progress_bar
from daysalt.commands.registry import open_registry
from daysalt.commands.store import Answer, with_store
from daysalt.rebuilding import rebuild
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.migrate import migrate

app = typer.Typer(
    name="rollup",
    help="Count closed days anew.",
    epilog="Example: daysalt rollup rebuild example.com",
    no_args_is_help=True,
)


@app.callback()
def rollup() -> None:
    """
    Count closed days anew.
    """


@app.command("rebuild", epilog="Example: daysalt rollup rebuild example.com --from 2026-05-01 --to 2026-05-31")
def rebuild_(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The site's domain, such as example.com.")],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day; the site's first by default.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day; the last closed one by default.")] = "",
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Count the rollups of closed days anew from their rows, as long as these are not sealed.
    """
    settings = settings_for(data_dir)
    with progress_bar(quiet=as_json) as report:

        def alone(warehouse: Warehouse) -> Answer:
            clock = SystemClock()
            migrate(warehouse, clock)
            answer: Answer = {}
            with open_registry(settings) as registry:
                closer = Closer(warehouse, registry, clock, resting=threading.Lock(), caught_up_ms=clock.now_ms)
                for step in rebuild(warehouse, registry, closer, domain, first, last):
                    report(step.what, step.done, step.total)
                    answer = asdict(step)
            return answer

        answer = with_store(settings, alone, "rebuild_rollups", report, domain=domain, first=first, last=last)
    if as_json:
        print_json({"domain": domain, "days": answer["done"]})
        return
    note(f"Counted {answer['done']} days of {domain} anew.")
