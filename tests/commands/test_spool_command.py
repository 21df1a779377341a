"""
`daysalt spool`: what waits, what was set aside, and what becomes of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from ingest.spool.segment import encode_record, frame, header
from tests.commands.conftest import Command
from tests.ingest.records import event

REFUSED, DAMAGED = "batch-3.refused", "0000000000001-aa-000001-16.bad"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """
    A spool with a refused batch and damaged bytes.
    """
    quarantine = tmp_path / "data" / "spool" / "quarantine"
    quarantine.mkdir(parents=True)
    (quarantine / REFUSED).write_bytes(header(0) + frame([encode_record(event(0))]))
    (quarantine / DAMAGED).write_bytes(b"xyz")
    return quarantine.parent


def test_status_shows_lanes_and_what_was_set_aside(command: Command, spool: Path) -> None:
    """Each file with its kind; exit code 1 while there is any, 0 otherwise."""
    ran, plain = command("spool", "status", "--json"), command("spool", "status")
    facts = cast("dict[str, list[dict[str, object]]]", ran.facts())

    assert (1, 1) == (ran.code, plain.code)
    assert {(REFUSED, "refused", 3), (DAMAGED, "damaged", 0)} == {
        (file["name"], file["kind"], file["batch"]) for file in facts["set_aside"]
    }
    assert [("events", 0), ("vault", 0)] == [(lane["lane"], lane["segments"]) for lane in facts["lanes"]]
    assert REFUSED in plain.out
    assert "daysalt spool retry" in plain.err

    assert 0 == command("spool", "discard", DAMAGED, "--yes").code
    assert [REFUSED] == [path.name for path in (spool / "quarantine").iterdir()]
    assert 0 == command("spool", "discard", "--yes", "--json").code
    assert 0 == command("spool", "status").code


def test_nothing_to_do_is_no_failure_and_a_wrong_name_is(command: Command) -> None:
    """On a data directory that is not there yet, too."""
    retried, discarded = command("spool", "retry", "--json"), command("spool", "discard", "--yes", "--json")

    assert ({"retried": []}, {"discarded": [], "bytes": 0}) == (retried.facts(), discarded.facts())
    assert (1, 1) == (command("spool", "retry", "x").code, command("spool", "discard", "x", "--yes").code)


@pytest.mark.server
def test_retry_without_a_server(tmp_path: Path, spool: Path) -> None:
    """The batch is a segment again, for the next start; damaged bytes stay."""
    program = Path(sys.executable).with_name("daysalt")
    environment = {"PATH": "/usr/bin:/bin", "DAYSALT_DATA_DIR": str(tmp_path / "data")}
    ran = subprocess.run([program, "spool", "retry", "--json"], env=environment, cwd=tmp_path, capture_output=True)

    assert {"retried": [REFUSED]} == json.loads(ran.stdout)
    assert [DAMAGED] == [path.name for path in (spool / "quarantine").iterdir()]
    assert [".seg"] == [path.suffix for path in (spool / "events").iterdir()]
