"""
Who asked the risk API: counted, and in the audit log a minute later.
"""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from daysalt.risk_asked import COUNTED_MAX, RiskAsked
from daysalt.vault.audit import AuditLog
from tests.clocks import FakeClock
from warehouse.local_socket import SocketRefused


def make(tmp_path: Path, clock: FakeClock) -> tuple[RiskAsked, AuditLog]:
    (tmp_path / "keys").mkdir()
    log = AuditLog(tmp_path / "data", tmp_path / "keys", clock)
    return RiskAsked(log, clock), log


def told(log: AuditLog) -> list[tuple[str, str, str, int]]:
    return [(entry["actor"], entry["action"], entry["site"], entry["count"]) for entry in log.tail()]


def test_a_minute_of_one_key_is_one_entry(tmp_path: Path, clock: FakeClock) -> None:
    """
    A thousand checks of a key for a site are one entry with their number, another kind or site one of its own.
    """
    asked, log = make(tmp_path, clock)
    for _ in range(1000):
        asked.count("aaa", "risk.check", "site.test", 1)
    asked.count("aaa", "risk.visits", "site.test", 2)
    asked.count("bbb", "risk.check", "", 3)
    anyio.run(asked.write_due)
    assert [] == told(log)
    clock.advance(seconds=60)
    anyio.run(asked.write_due)

    assert [
        ("key aaa", "risk.check", "site.test", 1000),
        ("key aaa", "risk.visits", "site.test", 2),
        ("key bbb", "risk.check", "", 3),
    ] == told(log)
    assert () == log.verify().problems
    clock.advance(seconds=60)
    anyio.run(asked.write_due)
    assert 3 == len(told(log))


def test_what_cannot_be_written_is_not_forgotten(tmp_path: Path, clock: FakeClock) -> None:
    """
    While the log cannot be written the counts stay and the trouble is told; then they are written whole.
    """
    asked, log = make(tmp_path, clock)
    asked.count("aaa", "risk.check", "site.test", 5)
    in_the_way = tmp_path / "data" / "audit.log"
    in_the_way.mkdir(parents=True)
    anyio.run(asked.write)
    assert "cannot be written" in asked.trouble
    asked.count("aaa", "risk.check", "site.test", 2)
    in_the_way.rmdir()
    anyio.run(asked.write)

    assert ([("key aaa", "risk.check", "site.test", 7)], "") == (told(log), asked.trouble)


def test_counts_are_bounded(tmp_path: Path, clock: FakeClock) -> None:
    """
    Unknown kinds, and more keys and sites than there can be, are refused.
    """
    asked, _ = make(tmp_path, clock)
    with pytest.raises(SocketRefused):
        asked.count("aaa", "vault.read", "", 1)
    for number in range(COUNTED_MAX):
        asked.count(str(number), "risk.check", "", 1)
    asked.count("7", "risk.check", "", 1)
    with pytest.raises(SocketRefused):
        asked.count("one more", "risk.check", "", 1)
