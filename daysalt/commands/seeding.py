"""
`daysalt seed`: made-up traffic to look at. What it makes is `daysalt.seed`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from daysalt.commands.options import DataDir, Json, settings_for


def register(app: typer.Typer) -> None:
    """
    Add the command to the command line.
    """
    app.command(epilog="Example: daysalt seed --demo --days 30")(seed)


def seed(
    domain: Annotated[
        str | None, typer.Argument(metavar="[DOMAIN]", help="Fill this site only.", show_default="every empty site")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Make three demo sites with goals, and fill them.")] = False,
    days: Annotated[int, typer.Option(help="Days of traffic up to now.")] = 30,
    events_per_day: Annotated[
        int, typer.Option(help="About how many events a day and site; 0: as much as suits the site.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Number that decides everything drawn; the same gives the same.")] = 1,
    one: Annotated[
        str | None,
        typer.Option(
            metavar="DOMAIN", help="Send a single hit for this site to the running server.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Fill empty sites with made-up traffic, or send one hit.
    """
    settings = settings_for(data_dir)
    from daysalt.seed import run_seed

    raise typer.Exit(
        run_seed(
            settings,
            demo=demo,
            days=days,
            events_per_day=events_per_day,
            seed=seed,
            one=one,
            as_json=as_json,
            domain=domain,
        )
    )
