"""
`daysalt user`: the people who sign in. They choose their passwords themselves, by a link; no mail server is needed.
"""

from __future__ import annotations

from typing import Annotated

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import day_text, note, print_json, print_table
from daysalt.commands.registry import open_registry
from daysalt.own_address import setup_link
from warehouse.data_dir import SETUP_TOKEN_FILE, make_data_dir, write_private

app = typer.Typer(
    name="user",
    help="Add, list and remove people who sign in.",
    epilog="Example: daysalt user add anna@example.com --role viewer",
    no_args_is_help=True,
)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address.")]


@app.command(epilog="Example: daysalt user add anna@example.com --role viewer")
def add(
    email: Email,
    role: Annotated[
        str, typer.Option(help="owner (everything), editor (sites and goals) or viewer (looks).")
    ] = "owner",
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Add a person and print the link with which they choose a password.
    """
    settings = settings_for(data_dir)
    with open_registry(settings) as registry:
        user, token = registry.users.add(email, role)
    link = setup_link(settings, token)
    if as_json:
        print_json({"email": user.email, "role": user.role, "link": link})
        return
    note(f"Added {user.email} as {user.role}. Give them this link; it works once, for seven days:")
    print(link)


@app.command("list", epilog="Example: daysalt user list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    List the people who may sign in.
    """
    with open_registry(settings_for(data_dir)) as registry:
        users = registry.users.all()
    if as_json:
        print_json([{"email": user.email, "role": user.role, "created_ms": user.created_ms} for user in users])
        return
    rows = [[user.email, user.role, day_text(user.created_ms)] for user in users]
    print_table(
        ("e-mail", "role", "added"), rows, empty="There is nobody yet. `daysalt user setup` prints the first link."
    )


@app.command("reset-password", epilog="Example: daysalt user reset-password anna@example.com")
def reset_password(email: Email, as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Print a new link for somebody's password and sign them out everywhere.
    """
    settings = settings_for(data_dir)
    with open_registry(settings) as registry:
        link = setup_link(settings, registry.users.reset_password(email))
    if as_json:
        print_json({"email": email.strip().lower(), "link": link})
        return
    note("Signed out everywhere. Give them this link; it works once, for seven days:")
    print(link)


@app.command(epilog="Example: daysalt user remove anna@example.com")
def remove(email: Email, as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Remove a person and sign them out.
    """
    with open_registry(settings_for(data_dir)) as registry:
        user = registry.users.remove(email)
    if as_json:
        print_json({"email": user.email, "role": user.role})
    else:
        print(f"Removed {user.email}.")


@app.command(epilog="Example: daysalt user setup")
def setup(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Print a new link for the first start, with which the first owner is made.
    """
    settings = settings_for(data_dir)
    make_data_dir(settings.data_dir)
    with open_registry(settings) as registry:
        token = registry.users.first_token()
    if token is None:
        raise CommandError(
            "somebody has a password already: add people with `daysalt user add`, or use `daysalt user reset-password`"
        )
    write_private(settings.data_dir / SETUP_TOKEN_FILE, token + "\n")
    link = setup_link(settings, token)
    if as_json:
        print_json({"link": link})
        return
    note("Open this link to make the first account; it works once, for seven days:")
    print(link)
