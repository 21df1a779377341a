"""
Tests of `scripts/run-tests`: who fails twice has failed, and the script says so by its exit code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "run-tests"
ALONE = "once more, alone"
FAILS = "def test_a(): assert False\n"
FAILS_ONCE = """
from pathlib import Path
def test_a():
    been = Path("been")
    if not been.exists():
        been.write_text("")
        assert False
"""


@pytest.mark.parametrize(
    ("written", "exit_code", "runs"),
    [
        ("def test_a(): pass\n", 0, 1),
        (FAILS_ONCE, 0, 2),
        (FAILS, 1, 2),
        ("".join(f"def test_{number}(): assert False\n" for number in range(6)), 1, 1),
        ("import no_such_module\n", 2, 2),
        ("", 5, 1),
    ],
    ids=["passes", "fails once", "fails twice", "many fail", "cannot be read", "no test"],
)
def test_exit_code(tmp_path: Path, written: str, exit_code: int, runs: int) -> None:
    """
    Only a few failures get a second run, and only what passes then is forgiven.
    """
    (tmp_path / "test_written.py").write_text(written)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  crash: long\n")
    outcome = subprocess.run(
        ["sh", str(SCRIPT), sys.executable, "1"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert (exit_code, runs - 1) == (outcome.returncode, outcome.stdout.count(ALONE)), outcome.stdout
