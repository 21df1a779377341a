"""
`daysalt risk check`: advice from the command line, without a server from the lists alone.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daysalt.cli import run


@pytest.fixture(autouse=True)
def directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYSALT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAYSALT_KEYS_DIR", str(tmp_path / "keys"))


def test_without_a_server_little_is_known_and_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    """
    An address is answered from the lists alone, with low confidence; and nobody decides but a person.
    """
    assert 0 == run(["risk", "check", "10.0.0.1", "--json"])
    answer = json.loads(capsys.readouterr().out)

    assert ("low", "none", ["BOGON"]) == (
        answer["confidence"], answer["decision"], [line["code"] for line in answer["reasons"]]
    )  # fmt: skip


def test_a_person_reads_the_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Without `--json` each reason comes with its points and words.
    """
    assert 0 == run(["risk", "check", "10.0.0.1"])
    shown = capsys.readouterr()

    assert "+30\tBOGON" in shown.out
    assert "Advice only" in shown.err


@pytest.mark.parametrize("arguments", [["no-address"], ["10.0.0.1", "--site", "nobody.test"]])
def test_what_cannot_be_assessed_is_one_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """
    No address, or no such site: exit code 1, and the address is not repeated.
    """
    assert 1 == run(["risk", "check", *arguments])
    error = capsys.readouterr().err

    assert error.startswith("daysalt: ") and "no-address" not in error
