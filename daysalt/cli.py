"""
The command line: every command, its exit code, and failures in one sentence on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Annotated, Any  # the context of a command is of a private package inside typer

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from daysalt.commands import (
    audit,
    backup,
    checkup,
    dsar,
    exporting,
    imports,
    key,
    keys,
    lists,
    retention,
    risk,
    rollup,
    schema,
    seeding,
    servers,
    setting,
    site,
    spool,
    user,
    vault,
)
from daysalt.commands.failures import FAILED, exit_code, sentence
from warehouse.private_memory import keep_memory_private

ORDER = (
    *("serve", "collect", "drain", "dashboard"),
    *("site", "user", "key", "settings", "import", "export", "rollup", "spool"),
    *("keys", "retention", "vault", "dsar", "risk", "audit"),
    *("backup", "restore", "doctor", "data", "seed", "migrate"),
)
"""How `daysalt --help` and docs/commands.md list the commands: as a newcomer meets them."""


class _InOrder(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return in_order(super().list_commands(ctx))


def in_order(names: Iterable[str]) -> list[str]:
    """
    Sort commands as `ORDER` has them; one that it does not know comes last.
    """
    return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="daysalt",
    cls=_InOrder,
    help="Privacy-friendly web analytics that counts a visitor for a day, and nobody for longer.",
    epilog="Example: daysalt serve --port 8000",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

servers.register(app)
app.add_typer(site.app)
app.add_typer(user.app)
app.add_typer(key.app)
setting.register(app)
imports.register(app)
exporting.register(app)
app.add_typer(rollup.app)
app.add_typer(spool.app)
app.add_typer(keys.app)
app.add_typer(retention.app)
app.add_typer(vault.app)
app.add_typer(dsar.app)
app.add_typer(risk.app)
app.add_typer(audit.app)
backup.register(app)
checkup.register(app)
app.add_typer(lists.app)
seeding.register(app)
schema.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"daysalt {version('daysalt')}")
        raise typer.Exit


@app.callback()
def daysalt(
    shown: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """
    Privacy-friendly web analytics that counts a visitor for a day, and nobody for longer.
    """


def run(arguments: Sequence[str]) -> int:
    """
    Run one command.

    Returns:
        0, or 1 when it failed, or 2 when the line or a setting is wrong. The reason is on stderr by then.
    """
    try:
        result: object = typer.main.get_command(app).main(
            args=list(arguments), prog_name="daysalt", standalone_mode=False
        )
    except TyperException as error:
        if error.format_message().strip():  # nothing is left to say where the help was printed instead
            print(_usage(error), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe went away, as `head` does: nothing is wrong, and nobody is there to be told.
        sys.stderr.close()
        return 0
    except typer.Abort:
        # The question stands on a line without an end.
        print("\ndaysalt: nothing was done: say yes, or give --yes", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("daysalt: stopped", file=sys.stderr)
        return FAILED
    except Exception as error:  # the edge: whatever it is, a person gets a sentence
        print(f"daysalt: {sentence(error)}", file=sys.stderr)
        return exit_code(error)
    return result if isinstance(result, int) else 0


def main() -> None:
    """
    Run the command on the process's own line and leave with its exit code. What it reads may be keys.
    """
    keep_memory_private()
    sys.exit(run(sys.argv[1:]))


def _usage(error: TyperException) -> str:
    message = " ".join(error.format_message().split())
    context: object = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "daysalt")
    return f"daysalt: {message.rstrip('.')}; see `{path} --help`"


if __name__ == "__main__":
    main()
