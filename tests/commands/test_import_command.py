"""
`daysalt import` on a data directory without and with a running server.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from tests.commands.conftest import Command, Ran
from tests.imports.exports import EXPORT, VISITORS, zipped
from tests.imports.importing import line, ndjson
from tests.imports.test_access_log import log_line
from tests.server import run_server

EVENTS = ndjson([line("2021-01-01T00:00:00Z"), line("2021-01-01T00:01:00Z"), {"url": "https://site1.test/"}])
LOG = b"".join([log_line("/"), log_line("/a"), log_line("/app.js"), b"nonsense\n"])


def write(tmp_path: Path, name: str, content: bytes) -> str:
    path = tmp_path / name
    path.write_bytes(content)
    return str(path)


def imported(command: Command, *arguments: str) -> dict[str, Any]:
    ran = command("import", "site1.test", *arguments, "--json")
    assert 0 == ran.code, ran.err
    return cast("dict[str, Any]", ran.facts())


def everything(command: Command, tmp_path: Path) -> None:
    """
    Import, repeat, list and remove, whoever has the store.
    """
    events = write(tmp_path, "events.ndjson", EVENTS)
    log = write(tmp_path, "access.log.gz", gzip.compress(LOG))

    first, again = imported(command, events), imported(command, events)
    of_log = imported(command, log)
    listed = cast("list[dict[str, Any]]", imported(command, "--list"))
    removed = imported(command, "--remove", first["id"], "--yes")
    left = cast("list[dict[str, Any]]", imported(command, "--list"))

    assert (2, 0, 0, 2) == (first["imported"], first["repeated"], again["imported"], again["repeated"])
    assert [{"line": 3, "error": "timestamp: is required"}] == first["rejected"]
    assert ("ndjson", "log") == (first["format"], of_log["format"])
    assert (2, {"asset": 1}, [4]) == (
        of_log["imported"], of_log["left_out"], [one["line"] for one in of_log["rejected"]],
    )  # fmt: skip
    assert {(first["id"], "events.ndjson", 2), (of_log["id"], "access.log.gz", 2)} == {
        (one["id"], one["file"], one["events"]) for one in listed
    }
    assert {"id": first["id"], "events": 2} == removed
    assert [of_log["id"]] == [one["id"] for one in left]


def of_totals(command: Command, tmp_path: Path) -> None:
    """
    The ZIP of a CSV export: imported, repeated, wrong, removed.
    """
    path = write(tmp_path, "export.zip", zipped(EXPORT))
    wrong = write(tmp_path, "wrong.zip", zipped({"imported_visitors.csv": VISITORS + "2020-01-01,x,1,1,1,1\n"}))
    bad = write(tmp_path, "bad.zip", zipped({"../imported_visitors.csv": VISITORS}))

    first, again = imported(command, path), imported(command, path)
    refused, broken = command("import", "site1.test", wrong), command("import", "site1.test", bad)
    removed = imported(command, "--remove", first["id"], "--yes")

    assert (18, "csv", 0, 18) == (first["imported"], first["format"], again["imported"], again["repeated"])
    error = "imported_visitors.csv line 2: visitors: it is no whole number of at most 15 digits"
    assert (1, True, True) == (refused.code, error in refused.err, "Nothing was imported" in refused.err)
    assert (1, 1) == (broken.code, len(broken.err.splitlines()))
    assert "the archive holds '../imported_visitors.csv'" in broken.err
    assert {"id": first["id"], "events": 18} == removed


@pytest.mark.server
@pytest.mark.timeout(300)
def test_with_the_directory_alone(tmp_path: Path) -> None:
    """
    Without a server the command has the store for itself.
    """
    everything(beside(tmp_path), tmp_path)


@pytest.mark.server
@pytest.mark.timeout(300)
def test_beside_a_server(tmp_path: Path) -> None:
    """
    With a server the command asks it, and the server has the rows.
    """
    with run_server(tmp_path):
        everything(beside(tmp_path), tmp_path)


@pytest.mark.server
@pytest.mark.timeout(300)
@pytest.mark.parametrize("served", [False, True])
def test_daily_totals(served: bool, tmp_path: Path) -> None:
    """
    An export of daily totals goes the same way, with the directory alone and beside a server.
    """
    with run_server(tmp_path) if served else nullcontext():
        of_totals(beside(tmp_path), tmp_path)


def beside(tmp_path: Path) -> Command:
    """
    Run commands as processes of their own: the engine of this process belongs to other tests.
    """
    environment = {"PATH": os.environ["PATH"], "DAYSALT_DATA_DIR": str(tmp_path / "data")}

    def call(*arguments: str) -> Ran:
        ran = subprocess.run(
            [sys.executable, "-m", "daysalt", *arguments], env=environment, capture_output=True, text=True
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    assert 0 == call("site", "add", "site1.test").code
    return call


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("import", "nobody.test", "x"), 1, "there is no site 'nobody.test'"),
        (("import", "site1.test"), 2, "name a FILE"),
        (("import", "site1.test", "x", "--list"), 2, "name a FILE"),
        (("import", "site1.test", "missing.log"), 1, "missing.log is not a file that can be read"),
        (("import", "site1.test", "x", "--format", "xls"), 2, "is no format: use one of ndjson, log, csv"),
    ],
)
def test_what_is_wrong_is_told(arguments: tuple[str, ...], code: int, said: str, command: Command) -> None:
    """
    A wrong line is told in one sentence, before anything is opened.
    """
    command("site", "add", "site1.test")

    ran = command(*arguments)

    assert code == ran.code
    assert said in ran.err
