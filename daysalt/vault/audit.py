"""
The audit log: who read, approved, held, erased or disclosed what, chained so that nothing can be changed unseen.

One JSON line an entry: its number, what happened, the hash of the line before, and its own hash. The newest number and
hash are also kept in the keys directory, so that a tail cut off is noticed, too. It holds no address, and no hash of
one that would outlive the day's key: what was looked for stands nowhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from warehouse.clock import Clock
from warehouse.data_dir import make_data_dir, sync_directory, write_private

LOG_FILE = "audit.log"
HEAD_FILE = "audit-head.json"
TAIL_BYTES = 512 * 1024
"""How much of the end of the log is looked at first to count what happened lately: thousands of entries."""
TEXT_CHARS_MAX = 120
UNREADABLE = "vault.unreadable"
"""A ciphertext did not open under the key it belongs to: it was changed or moved."""

_TICKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9#._/-]{0,63}")
_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_START = "0" * 64


class AuditError(Exception):
    """
    The audit log cannot be written, so what it should tell of must not happen. The text says what to do.
    """


@dataclass(frozen=True, slots=True)
class AuditState:
    """
    What `verify` found. `problems` is empty when the chain holds.
    """

    entries: int
    head: str
    """Hash of the newest entry; worth writing down somewhere else."""
    problems: tuple[str, ...]


def checked_ticket(ticket: str) -> str:
    """
    Check a ticket: a number or name in another system, never an address.

    Raises:
        ValueError: the text says what it may be.
    """
    ticket = ticket.strip()
    if not _TICKET.fullmatch(ticket):
        raise ValueError("a ticket has 1 to 64 letters, digits and # . _ / -, such as FRAUD-17")
    if _QUAD.search(ticket) or _is_address(ticket):
        raise ValueError("a ticket must not hold an address: the audit log keeps it for good")
    return ticket


class AuditLog:
    """
    The log of one installation. Several processes may append: a lock orders them.
    """

    def __init__(self, data_dir: Path, keys_dir: Path, clock: Clock) -> None:
        self._path = data_dir / LOG_FILE
        self._head_path = keys_dir / HEAD_FILE
        self._clock = clock

    def append(
        self,
        actor: str,
        action: str,
        *,
        subject_kind: str = "",
        purpose: str = "",
        ticket: str = "",
        site: str = "",
        day: str = "",
        outcome: str = "",
        count: int | None = None,
    ) -> int:
        """
        Add an entry, synced before this returns.

        Args:
            actor: an account's name, or what acted by itself.
            action: what was done, such as `vault.read`.
            subject_kind: what it was about, such as `address`; never which.
            outcome: how it ended, in a few words.

        Returns:
            Its number, from 1.

        Raises:
            AuditError: it cannot be written. Do not do what it was to tell of.
        """
        facts: dict[str, object] = {
            "actor": actor,
            "action": action,
            "subject_kind": subject_kind,
            "purpose": purpose,
            "ticket": ticket,
            "site": site,
            "day": day,
            "outcome": outcome,
            "count": count,
        }
        for name, value in facts.items():
            if isinstance(value, str):
                assert len(value) <= TEXT_CHARS_MAX * 3, f"{name} is too long for the audit log"
        try:
            with self._locked() as descriptor:
                number, previous = self._end(descriptor)
                entry = {"number": number + 1, "at_ms": self._clock.now_ms(), **facts, "previous": previous}
                entry["hash"] = _hash(entry)
                os.write(descriptor, json.dumps(entry, separators=(",", ":")).encode() + b"\n")
                os.fsync(descriptor)
                write_private(self._head_path, json.dumps({"number": number + 1, "hash": entry["hash"]}))
        except OSError as error:
            raise AuditError(
                f"the audit log {self._path} cannot be written ({(error.strerror or 'no reason given').lower()}), so "
                "nothing is done that it must tell of: make it and the keys directory writable"
            ) from error
        return number + 1

    def count_since(self, action: str, since_ms: int) -> int:
        """
        Count the entries of an action since a moment, epoch milliseconds UTC. Reads as far back as it takes, so that
        many entries of another kind do not hide some.
        """
        length = TAIL_BYTES
        while True:
            entries = list(self.tail(length))
            whole = self._size() <= length
            if whole or (entries and int(entries[0]["at_ms"]) < since_ms):
                return sum(entry.get("action") == action and int(entry["at_ms"]) >= since_ms for entry in entries)
            length *= 4

    def tail(self, length: int = TAIL_BYTES) -> Iterator[dict[str, Any]]:
        """
        Give the entries of the log's end, the oldest first; lines that are none are left out.

        Args:
            length: how many bytes of the end are looked at.
        """
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - length))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return
        for line in lines:
            entry = _entry(line)
            if entry is not None:
                yield entry

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def verify(self) -> AuditState:
        """
        Check every link of the chain, and its end against the keys directory.

        Raises:
            OSError: the log cannot be read.
        """
        # TRICKY: the head first. What is appended meanwhile makes the log longer than it, which is no problem.
        head = self._head()
        problems: list[str] = []
        number, previous = 0, _START
        anchored = head is None or head[0] == 0
        lines = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        for place, line in enumerate(lines, start=1):
            if not line and place == len(lines):
                continue
            entry = _entry(line)
            if entry is None or entry["hash"] != _hash(entry):
                problems.append(f"line {place} was changed")
            if entry is None:
                continue
            if entry["number"] != number + 1:
                problems.append(f"line {place} has number {entry['number']} where {number + 1} belongs")
            elif entry["previous"] != previous:
                problems.append(f"line {place} does not follow from the line before")
            number, previous = int(entry["number"]), str(entry["hash"])
            anchored = anchored or (number, previous) == head
        if not anchored and head is not None:
            problems.append(f"the end is missing or was replaced: entry {head[0]} is not the one that was written last")
        if head is None and number > 1:
            problems.append(f"the note of the newest entry is missing from {self._head_path.parent}")
        return AuditState(number, previous, tuple(problems))

    @contextmanager
    def _locked(self) -> Generator[int]:
        make_data_dir(self._path.parent)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_size == 0:
                sync_directory(self._path.parent)
            yield descriptor
        finally:
            os.close(descriptor)

    def _end(self, descriptor: int) -> tuple[int, str]:
        """
        Tell number and hash of the newest entry. A line that a crash left half written goes: it was never told of.
        """
        size = os.fstat(descriptor).st_size
        start = max(0, size - TAIL_BYTES)
        data = os.pread(descriptor, size - start, start)
        if data and not data.endswith(b"\n"):
            whole = data.rfind(b"\n") + 1
            os.ftruncate(descriptor, start + whole)
            data = data[:whole]
        last = _entry(data.rstrip(b"\n").rpartition(b"\n")[2])
        head = self._head()
        if head is None:
            return (0, _START) if last is None else (int(last["number"]), str(last["hash"]))
        if last is not None and last["number"] == head[0] + 1 and last["previous"] == head[1]:
            return int(last["number"]), str(last["hash"])  # written, and the crash came before the note of it
        # Whatever was done to the log: the chain goes on from what is known, and `verify` shows the gap for ever.
        return head

    def _head(self) -> tuple[int, str] | None:
        try:
            table = json.loads(self._head_path.read_text(encoding="utf-8"))
            return int(table["number"]), str(table["hash"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return 0, "damaged"


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry: object = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or not {"number", "at_ms", "previous", "hash"} <= entry.keys():
        return None
    return entry  # pyright: ignore[reportUnknownVariableType]  # a table of JSON, looked at field by field


def _hash(entry: dict[str, Any]) -> str:
    bound = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(json.dumps(bound, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
