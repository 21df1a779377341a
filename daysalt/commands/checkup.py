"""
`daysalt doctor`: what is unwell or unsafe, in plain words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from daysalt.commands.options import DataDir, Json
from daysalt.commands.output import note, print_json, print_table


def register(app: typer.Typer) -> None:
    """
    Add the command to the command line.
    """
    app.command(epilog="Example: daysalt doctor --privacy")(doctor)


def doctor(
    privacy: Annotated[
        bool, typer.Option("--privacy", help="Also check what could let a destroyed key come back.")
    ] = False,
    addresses: Annotated[
        typer.FileText | None,
        typer.Option(
            metavar="FILE",
            help="Also look for these IP addresses, one a line, in every file there is; - reads standard input.",
        ),
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Say in plain words what is unsafe or unwell; exit code 1 if anything is.
    """
    from daysalt.checks.traces import read_addresses
    from daysalt.doctor import examine

    wanted = read_addresses(addresses) if addresses is not None else []
    checks = examine(data_dir, privacy=privacy, addresses=wanted)
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(
            ("check", "state", "finding"), [[check.name, check.state, check.finding] for check in checks], empty=""
        )
    states = Counter(check.state for check in checks)
    if states["unwell"]:
        note(f"{states['unwell']} of {len(checks)} checks found something unwell.")
        raise typer.Exit(1)
