"""
What retention remembers between its steps, in one file: the days being destroyed, and the period each day began with.

Nothing in it is secret: of keys it holds check values only, and of addresses the canary's, encrypted.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingest.keys.keys_directory import KeyringError
from warehouse.data_dir import write_private

STATE_FILE = "retention.json"


class KeyFact(msgspec.Struct, frozen=True):
    """
    A key that dies: its check value and its times in epoch milliseconds UTC.
    """

    check: str
    created_ms: int
    destroyed_ms: int = 0


class DyingDay(msgspec.Struct):
    """
    A day of the vault between the decision to destroy it and its proof.

    Attributes:
        canaries: the canary under each key, made while the keys lived.
        before: `found` when every key opened its canary, else `lost`; `none` without keys.
        rows: rows of the day before its partition was dropped; None before they were counted.
    """

    retention_days: int
    keys: list[KeyFact]
    canaries: list[str]
    before: str
    rows: int | None = None


class TableCanary(msgspec.Struct, frozen=True):
    """
    The canary as it was found and opened in the vault's table on the last day of its life. Both in hexadecimal.
    """

    index: str
    ciphertext: str


class DaysState(msgspec.Struct):
    """
    The file. Days are ISO dates UTC.
    """

    dying: dict[str, DyingDay] = {}
    periods: dict[str, int] = {}
    """Shortest period in force on a day, in days: a longer one set later does not apply to what was there already."""
    canaries: dict[str, TableCanary] = {}
    """The table's canary of each day that was looked at, until its proof."""
    events_before: str = ""
    """Event rows received before this day were deleted."""


def read_state(path: Path) -> DaysState:
    """
    Read the file; empty when there is none.

    Raises:
        KeyringError: it cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=DaysState)
    except FileNotFoundError:
        return DaysState()
    except OSError as error:
        raise KeyringError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise KeyringError(
            f"{path} is damaged ({error}): move it away; days being destroyed are then proved without their canary"
        ) from error


def write_state(path: Path, state: DaysState) -> None:
    """
    Replace the file, synced before this returns.

    Raises:
        KeyringError: it cannot be written.
    """
    try:
        write_private(path, msgspec.json.encode(state).decode())
    except OSError as error:
        raise KeyringError(f"{path} cannot be written: {error.strerror}") from error
