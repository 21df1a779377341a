"""
`docs/commands.md` and `--help` tell the same as the commands do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daysalt.commands.reference import commands, label, parameters, reference
from tests.commands.conftest import Command

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
PATHS = [path for path, _ in commands()]


def test_the_page_is_the_reference() -> None:
    """Run `python -m daysalt.commands.reference > docs/commands.md` after changing a command."""
    assert reference() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "found"), list(commands()), ids=PATHS)
def test_the_page_names_every_command_and_option(path: str, found: object) -> None:
    """Every command has its section, with each option and an example that calls it."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## `{path}`\n")[2].partition("\n## ")[0]

    assert [] == [label(each) for each in parameters(found) if f"`{label(each)}`" not in section]
    assert f"\n```\n{path}" in section


@pytest.mark.parametrize("path", PATHS)
def test_help_has_an_example(command: Command, path: str) -> None:
    """`--help` of every command ends with 0 and shows how it is called."""
    ran = command(*path.split()[1:], "--help")

    assert 0 == ran.code
    assert f"Example: {path}" in " ".join(ran.out.split())
