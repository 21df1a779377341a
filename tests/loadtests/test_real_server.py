"""
Promises of a load test against the real server: it ends with a page, and the page says what was stored.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.load import REPORTS_DIR

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

SHORT = """
about = "Three seconds, three robots in ten."
connections = 16

[[stage]]
seconds = 3
rate = 100

[traffic]
addresses = 100
bot_share = 0.3
"""


def test_a_short_load_test(tmp_path: Path) -> None:
    """
    Three seconds of a profile against a throw-away server: locust runs it, robots are dropped, people are stored once.
    """
    (tmp_path / "short-try.toml").write_text(SHORT)
    before = set(REPORTS_DIR.glob("*.html"))
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.load", str(tmp_path / "short-try.toml"), "--senders", "2"],
        env={name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    pages = set(REPORTS_DIR.glob("*.html")) - before
    for page in pages:
        page.unlink()

    assert (0, 1) == (done.returncode, len(pages)), done.stdout + done.stderr
    assert "Everything accepted is stored, once." in done.stdout
    facts: dict[str, str] = {}
    for line in done.stdout.splitlines():
        name, _, value = line.strip().partition("  ")
        facts[name] = value
    assert "0" == facts["lost"].strip() == facts["duplicated"].strip()
    assert 100 < int(facts["accepted"].split()[0]) < 300
    assert 30 < int(facts["dropped by rule"])


def test_wrong_arguments_are_a_sentence() -> None:
    """
    A profile that is not there is one sentence and exit code 2, before any server is started.
    """
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.load", "vyral"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (2, 1) == (done.returncode, len(done.stderr.strip().splitlines()))
    assert "there is no profile vyral" in done.stderr
