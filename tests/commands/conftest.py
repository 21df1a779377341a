"""
Runs a command in this process, with a data directory of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from daysalt.cli import run


class Ran(NamedTuple):
    """
    What a command left behind.
    """

    code: int
    out: str
    err: str

    def facts(self) -> object:
        """
        Read the answer as JSON.
        """
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """
    The command line: `command("site", "add", "example.com")`.
    """
    for name in [name for name in os.environ if name.startswith("DAYSALT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DAYSALT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(arguments)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return call
