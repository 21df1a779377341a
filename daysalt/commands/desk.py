"""
The vault's desk, for one command: the running keeper's through its socket, or one of our own; and who asks there.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from daysalt.commands.keeper import Answer, with_keeper
from warehouse.settings import Settings

BROKEN = (
    "Break-glass: no second owner is configured, so nobody approved this. It is in the audit log and raised an alarm; "
    "review it, and add a second owner with `daysalt user add EMAIL --role owner`."
)

As = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="EMAIL", show_default=False,
        help="The owner who asks; the password is asked for, or read as one line from a pipe.",
    ),
]  # fmt: skip


def ask_desk(settings: Settings, operation: str, fields: dict[str, Any]) -> Answer:
    """
    Ask the vault's desk for something.

    Raises:
        SocketRefused: it says no, and why.
        CommandError: a server is starting or stopping, or another command has the directory.
    """
    return with_keeper(settings, lambda settings: _alone(settings, operation, fields), operation, **fields)


def person(email: str | None) -> dict[str, str] | None:
    """
    Ask for the password of whoever asks; from a pipe, its first line.
    """
    if email is None:
        return None
    if sys.stdin.isatty():
        password = str(typer.prompt(f"Password of {email}", hide_input=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\n")
    return {"email": email, "password": password}


def _alone(settings: Settings, operation: str, fields: dict[str, Any]) -> Answer:
    from daysalt.vault.desk import desk_alone
    from warehouse.clock import SystemClock
    from warehouse.log import configure_logging
    from warehouse.migrate import migrate

    # The alarm goes to stderr here, as it does in the server; the answer alone goes to stdout.
    configure_logging(settings.log_level, part="command")
    with desk_alone(settings) as (desk, warehouse):
        migrate(warehouse, SystemClock())
        work: Callable[..., Coroutine[Any, Any, Answer]] = desk.operations()[operation]  # type: ignore[assignment]  # all of this desk's are coroutine functions
        return asyncio.run(work(**fields))
