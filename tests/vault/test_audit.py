"""
The audit log: every change to it is found, and it never learns an address.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from daysalt.vault.audit import HEAD_FILE, LOG_FILE, AuditError, AuditLog, checked_ticket
from tests.clocks import FakeClock


def make(tmp_path: Path, clock: FakeClock, entries: int = 5) -> AuditLog:
    (tmp_path / "keys").mkdir(exist_ok=True)
    log = AuditLog(tmp_path / "data", tmp_path / "keys", clock)
    for number in range(entries):
        log.append("anna@example.com", "vault.read", subject_kind="address", purpose="dsar", ticket=f"T-{number}")
    return log


def lines_of(tmp_path: Path) -> list[str]:
    return (tmp_path / "data" / LOG_FILE).read_text().splitlines(keepends=True)


def test_an_untouched_log_holds(tmp_path: Path, clock: FakeClock) -> None:
    """
    Numbers without a gap, chained; another process goes on where the first one stopped.
    """
    make(tmp_path, clock, entries=3)
    again = AuditLog(tmp_path / "data", tmp_path / "keys", clock)

    assert 4 == again.append("keeper", "vault.read")
    state = again.verify()
    assert (4, ()) == (state.entries, state.problems)
    assert state.head == json.loads(lines_of(tmp_path)[-1])["hash"]


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "edited": lambda lines: [*lines[:2], lines[2].replace("T-2", "T-9"), *lines[3:]],
    "deleted": lambda lines: [*lines[:2], *lines[3:]],
    "reordered": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "tail cut": lambda lines: lines[:-2],
    "last entry cut": lambda lines: lines[:-1],
    "half a line": lambda lines: [*lines[:2], lines[2][:30]],
    "all gone": lambda _: [],
    "repeated": lambda lines: [*lines[:3], lines[2], *lines[3:]],
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_each_change_is_found(tmp_path: Path, clock: FakeClock, change: str) -> None:
    """
    Attack 17: edited, deleted, reordered, truncated; and still found after more was written.
    """
    log = make(tmp_path, clock)
    (tmp_path / "data" / LOG_FILE).write_text("".join(CHANGES[change](lines_of(tmp_path))))
    found = log.verify().problems
    log.append("keeper", "vault.read")

    assert found
    assert log.verify().problems


def test_a_forged_chain_is_found(tmp_path: Path, clock: FakeClock) -> None:
    """
    A whole new chain, every hash right, is not the one that the keys directory knows. The control: without that note
    it would pass.
    """
    log = make(tmp_path, clock)
    forged = tmp_path / "forged"
    forged.mkdir()
    make(forged, clock, entries=3)
    (tmp_path / "data" / LOG_FILE).write_bytes((forged / "data" / LOG_FILE).read_bytes())
    found = log.verify().problems
    (tmp_path / "keys" / HEAD_FILE).write_bytes((forged / "keys" / HEAD_FILE).read_bytes())

    assert found
    assert () == log.verify().problems


def test_a_crash_between_line_and_note_is_no_change(tmp_path: Path, clock: FakeClock) -> None:
    """
    The newest line may be ahead of the note by one, and half a line that nobody was told of goes.
    """
    log = make(tmp_path, clock, entries=2)
    note = (tmp_path / "keys" / HEAD_FILE).read_bytes()
    log.append("keeper", "vault.read")
    (tmp_path / "keys" / HEAD_FILE).write_bytes(note)
    with (tmp_path / "data" / LOG_FILE).open("a") as file:
        file.write('{"number":4,"half')

    assert 4 == log.append("keeper", "vault.read")
    assert (4, ()) == (log.verify().entries, log.verify().problems)


def test_what_cannot_be_told_of_must_not_happen(tmp_path: Path, clock: FakeClock) -> None:
    """
    Where the log cannot be written, appending raises a sentence that says what to do.
    """
    log = make(tmp_path, clock, entries=1)
    (tmp_path / "data" / LOG_FILE).unlink()
    (tmp_path / "data" / LOG_FILE).mkdir()

    with pytest.raises(AuditError, match="make it and the keys directory writable"):
        log.append("keeper", "vault.read")


@pytest.mark.parametrize("ticket", ["203.0.113.77", "case-203.0.113.77", "2001:db8::1", "", "a b", "x" * 65])
def test_a_ticket_is_no_address(ticket: str) -> None:
    """
    Nor anything that is no ticket: the log keeps it for good.
    """
    with pytest.raises(ValueError, match="ticket"):
        checked_ticket(ticket)


def test_reads_are_counted(tmp_path: Path, clock: FakeClock) -> None:
    """
    By action and time, across restarts.
    """
    make(tmp_path, clock, entries=2)
    clock.advance(seconds=3600)
    log = make(tmp_path, clock, entries=3)

    assert 3 == log.count_since("vault.read", clock.now_ms() - 1000)
    assert 5 == log.count_since("vault.read", 0)
    assert 0 == log.count_since("vault.hold", 0)


def test_many_other_entries_hide_none(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Reads within the hour are counted even when more than the first look at the log's end was written since.
    """
    monkeypatch.setattr("daysalt.vault.audit.TAIL_BYTES", 2048)
    log = make(tmp_path, clock, entries=3)
    for _ in range(40):
        log.append("key aaa", "risk.check", site="site.test", count=1000)

    assert 3 == log.count_since("vault.read", clock.now_ms() - 3_600_000)
    clock.advance(seconds=3601)
    assert 0 == log.count_since("vault.read", clock.now_ms() - 3_600_000)
