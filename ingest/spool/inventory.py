"""
What lies in the spool and beside it, for whoever looks after it: the lanes, and what was set aside. Never its content.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest.spool.reader import QUARANTINE
from ingest.spool.segment import MARK, OPEN, SEALED, UNBORN, make_private
from warehouse.data_dir import sync_directory

EVENTS, VAULT = "events", "vault"
LANES = (EVENTS, VAULT)

_REFUSED = re.compile(r"^(?:(vault)-)?batch-(\d+)\.refused$")


@dataclass(frozen=True, slots=True)
class Lane:
    """
    One lane of the spool. `oldest_ms` is when its oldest segment was begun, epoch milliseconds; 0 when it is empty.
    """

    lane: str
    segments: int
    bytes: int
    oldest_ms: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """
    A file in quarantine: a batch the warehouse refused, or bytes that cannot be read.
    """

    name: str
    kind: Literal["refused", "damaged"]
    lane: str
    batch: int
    bytes: int
    written_ms: int


class NothingSetAside(Exception):
    """
    There is no such file in quarantine, or it cannot be put back. The text says which and what to do.
    """


def list_lanes(spool_dir: Path) -> list[Lane]:
    """
    Count what waits in each lane.
    """
    found: list[Lane] = []
    for lane in LANES:
        segments, total, oldest = 0, 0, 0
        for path in _files(spool_dir / lane):
            if path.suffix not in (OPEN, SEALED, UNBORN):
                continue
            # The drain gives segments back meanwhile.
            with suppress(FileNotFoundError):
                total += path.stat().st_size
                segments += 1
                begun = path.name.split("-")[0]
                oldest = min(oldest or int(begun), int(begun)) if begun.isdigit() else oldest
        found.append(Lane(lane, segments, total, oldest))
    return found


def list_set_aside(spool_dir: Path) -> list[SetAside]:
    """
    List what is in quarantine, oldest first.
    """
    found: list[SetAside] = []
    for path in _files(spool_dir / QUARANTINE):
        with suppress(FileNotFoundError):
            status = path.stat()
            refused = _REFUSED.match(path.name)
            found.append(
                SetAside(
                    name=path.name,
                    kind="refused" if refused else "damaged",
                    lane=(refused[1] or EVENTS) if refused else "",
                    batch=int(refused[2]) if refused else 0,
                    bytes=status.st_size,
                    written_ms=status.st_mtime_ns // 1_000_000,
                )
            )
    return sorted(found, key=lambda aside: (aside.written_ms, aside.name))


def choose(spool_dir: Path, name: str, *, refused_only: bool = False) -> list[SetAside]:
    """
    Choose one file by name, or all with an empty one.

    Raises:
        NothingSetAside: there is no file of this name, or it is not what is wanted.
    """
    found = list_set_aside(spool_dir)
    if name:
        found = [aside for aside in found if aside.name == name]
        if not found:
            raise NothingSetAside(f"nothing called {name!r} was set aside: see `daysalt spool status`")
        if refused_only and found[0].kind != "refused":
            raise NothingSetAside(f"{name} holds bytes that cannot be read, so no try brings them back: discard it")
    return [aside for aside in found if aside.kind == "refused" or not refused_only]


def put_back(spool_dir: Path, aside: SetAside, now_ms: int) -> None:
    """
    Make a refused batch a segment of its lane again: the drain then reads it as any other.
    """
    lane = spool_dir / aside.lane
    make_private(lane)
    (spool_dir / QUARANTINE / aside.name).rename(lane / f"{now_ms}-{secrets.token_hex(4)}-{aside.batch}{SEALED}")
    sync_directory(lane)
    sync_directory(spool_dir / QUARANTINE)


def discard(spool_dir: Path, chosen: Sequence[SetAside]) -> int:
    """
    Delete files in quarantine for good.

    Returns:
        How many bytes they had.
    """
    for aside in chosen:
        (spool_dir / QUARANTINE / aside.name).unlink(missing_ok=True)
    if chosen:
        sync_directory(spool_dir / QUARANTINE)
    return sum(aside.bytes for aside in chosen)


def _files(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [Path(entry) for entry in entries if entry.is_file() and not entry.name.endswith(MARK)]
    except FileNotFoundError:
        return []
