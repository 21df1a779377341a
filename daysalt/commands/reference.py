"""
The reference of every command, as `docs/commands.md` has it; a test holds the page against this.

`python -m daysalt.commands.reference > docs/commands.md` writes the page anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any  # the command objects are of a private package inside typer

import typer

from daysalt.cli import app, in_order

_HEAD = """# Commands

`daysalt COMMAND --help` prints the same.
Every command ends with 0 when it did what was asked, and 1 when that failed or a value was refused.
It ends with 2 when the line cannot be read or a setting is wrong.
The reason is one sentence on stderr; the answer is on stdout, as a table on a terminal and tab-separated in a pipe.
Commands work with and without a running server on the same data directory.
"""


_SENTENCE_END = re.compile(r"\. (?=[A-Z])")
"""One sentence a line; the dot of "art. 30" ends none."""


def reference() -> str:
    """
    Write the page.
    """
    return _HEAD + "".join(_section(path, command) for path, command in commands())


def commands() -> Iterator[tuple[str, Any]]:
    """
    List every command that does something, with the words that call it.
    """
    yield from _walk("daysalt", typer.main.get_command(app))


def parameters(command: Any) -> list[Any]:
    """
    List a command's arguments and options, without the `--help` that all have.
    """
    return [parameter for parameter in command.params if parameter.name != "help"]


def label(parameter: Any) -> str:
    """
    Write how a parameter is given.
    """
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return names
    return f"{names} {parameter.metavar or parameter.name.upper()}"


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name in in_order(children) if path == "daysalt" else children:
        yield from _walk(f"{path} {name}", children[name])


def _section(path: str, command: Any) -> str:
    lines = [f"\n## `{path}`\n", f"\n{_paragraph(command.help)}\n"]
    rows = [f"| `{label(parameter)}` | {_meaning(parameter)} |\n" for parameter in parameters(command)]
    if rows:
        lines += ["\n| option | meaning |\n", "|---|---|\n", *rows]
    lines.append(f"\n```\n{command.epilog.removeprefix('Example: ')}\n```\n")
    return "".join(lines)


def _paragraph(text: str) -> str:
    return _SENTENCE_END.sub(".\n", " ".join(text.split()))


def _meaning(parameter: Any) -> str:
    default: object = parameter.default
    words = " ".join(str(parameter.help or "").split())
    if parameter.required:
        return f"{words} Required."
    if isinstance(default, (str, int)) and default != "" and not isinstance(default, bool):
        return f"{words} Default: {default}."
    return words


if __name__ == "__main__":
    print(reference(), end="")
