"""
The processes of a running server, found as an operator would find them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 90
"""Far more than is needed: the machine may be busy with something else."""


def children_of(keeper_pid: int, role: str) -> list[int]:
    """
    Find the keeper's living children of a role, `collector` or `store`.
    """
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            continue  # it ended while we looked
        if parent == keeper_pid and b"daysalt.child" in arguments and role.encode() in arguments:
            found.append(int(folder.name))
    return found


def kill(pid: int) -> None:
    """
    End a process as the out-of-memory killer would.
    """
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def until(what: Callable[[], bool], why: str) -> None:
    """
    Wait for a condition on real processes.
    """
    ends = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < ends, why
        time.sleep(0.05)
