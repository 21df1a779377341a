"""
`daysalt audit`: whether the audit log is whole.
"""

from __future__ import annotations

from dataclasses import asdict

import typer

from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json

app = typer.Typer(
    name="audit",
    help="Check the log of who read the vault, and of what was done about people's data.",
    epilog="Example: daysalt audit verify",
    no_args_is_help=True,
)


@app.callback()
def audit() -> None:
    """
    Check the log of who read the vault, and of what was done about people's data.
    """


@app.command(epilog="Example: daysalt audit verify --json")
def verify(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Check every link of the chain; exit code 1 when anything was changed, removed or cut off.
    """
    from daysalt.vault.audit import AuditLog
    from warehouse.clock import SystemClock

    settings = settings_for(data_dir)
    state = AuditLog(settings.data_dir, settings.keys_dir, SystemClock()).verify()
    if as_json:
        print_json({"valid": not state.problems, **asdict(state)})
    else:
        for problem in state.problems:
            note(problem)
        print(f"{state.entries} entries, {'changed' if state.problems else 'whole'}; the newest is {state.head}")
    if state.problems:
        raise typer.Exit(1)
