"""
`daysalt dsar`: a case from the letter to the reply, without the address in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from daysalt.dsar import Cases, extract
from tests.clocks import FakeClock
from tests.commands.conftest import Command
from warehouse.privacy.register import load_register
from warehouse.registry.database import Registry
from warehouse.settings import load_settings

ADDRESS = "203.0.113.77"
HEADINGS = {
    "which_data", "copy_of_data", "purposes", "legal_basis", "recipients", "source", "storage_time", "other_rights",
    "automated_decisions", "complaint", "third_countries", "controller",
}  # fmt: skip


def opened(command: Command, kind: str = "objection") -> str:
    return str(cast("dict[str, Any]", command("dsar", "open", "--kind", kind, "--json").facts())["id"])


def test_a_case_from_the_letter_to_the_reply(command: Command, tmp_path: Path) -> None:
    """
    An objection is noted, respected and closed; no file of the data directory holds the address.
    """
    case = opened(command)
    reply = tmp_path / "reply.txt"
    reply.write_text("We have done as you asked.")

    assert 0 == command("dsar", "object", case, ADDRESS).code
    assert 0 == command("dsar", "close", case, "--reply", str(reply)).code
    (found,) = cast("list[dict[str, Any]]", command("dsar", "list", "--json").facts())
    assert ["objected"] == [step["what"] for step in found["steps"]]
    assert 64 == len(found["reply_sha256"])
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ADDRESS.encode() not in written
    assert "is closed" in command("dsar", "object", case, ADDRESS).err


def test_an_empty_reply_closes_nothing(command: Command, tmp_path: Path) -> None:
    """
    A case is closed with an answer, never without one.
    """
    case = opened(command)
    (tmp_path / "reply.txt").write_text(" \n")

    assert "reply is empty" in command("dsar", "close", case, "--reply", str(tmp_path / "reply.txt")).err
    assert 0 == command("dsar", "list").code


def test_what_is_wrong_is_said(command: Command) -> None:
    """
    An unknown kind, case or address gives one sentence.
    """
    case = opened(command)

    assert "no kind of request" in command("dsar", "open", "--kind", "magic").err
    assert "there is no case" in command("dsar", "object", "dsar-1999-0001", ADDRESS).err
    assert "no IP address" in command("dsar", "restrict", case, "somewhere").err


@pytest.mark.server
def test_vault_work_needs_no_server(command: Command, tmp_path: Path) -> None:
    """
    Extract and erase read the vault themselves where no server runs.
    """
    case = opened(command)
    program = Path(sys.executable).with_name("daysalt")
    environment = {"PATH": "/usr/bin:/bin", "DAYSALT_DATA_DIR": str(tmp_path / "data")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        # Each in a process of its own: the engine allows one store per process.
        return subprocess.run(
            [program, "dsar", *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )

    extracted = run("extract", case, ADDRESS, "--out", "extract.json")
    erased = run("erase", case, ADDRESS, "--json")

    assert "Break-glass" in extracted.stderr
    assert [] == json.loads((tmp_path / "extract.json").read_text())["copy_of_data"]["addresses"]
    assert ["extract", "erase"] == [step["what"] for step in json.loads(erased.stdout)["steps"]]


@pytest.mark.parametrize(("now", "due"), [("2026-11-22", "2026-12-22"), ("2026-01-31", "2026-02-28")])
def test_a_case_has_a_month(tmp_path: Path, now: str, due: str) -> None:
    """
    The day it must be answered is a month later; near it, the list fails.
    """
    clock = FakeClock((date.fromisoformat(now) - date(1970, 1, 1)).days * 86_400_000)
    cases = Cases(tmp_path, clock)
    case = cases.open("access", "letter")

    assert due == case.due
    clock.advance(seconds=27 * 86_400)
    assert cases.days_left(case) <= 5


def test_the_extract_has_every_heading(tmp_path: Path, clock: FakeClock) -> None:
    """
    All that art. 15 asks for is there, and the days that were found.
    """
    settings = load_settings({"DAYSALT_DATA_DIR": str(tmp_path)})
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    site = registry.sites.add("site1.test")
    case = Cases(tmp_path, clock).open("access", "letter")
    seen = [{"day": "2026-11-20", "hours": [9], "hits": 4, "sites": ["site1.test"]}]
    document = extract(
        case, seen, register=load_register(), sites=[site], settings=settings, day=date(2026, 11, 22)
    )  # fmt: skip
    registry.close()

    assert HEADINGS | {"format", "case", "made_on"} == set(document)
    assert seen == document["copy_of_data"]["addresses"]
    assert "P45D" in document["storage_time"]["visitor-fraud"]
    assert json.loads(json.dumps(document)) == document
