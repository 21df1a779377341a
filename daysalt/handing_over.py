"""
How the keeper becomes a new program in the same process, so that its memory holds nothing of keys that are dead.

Bytes that Python or OpenSSL copied cannot be found and overwritten; a program that takes the place of another begins
with empty memory, whatever the old one had left where. The process stays: its number, its children, the open port and
the locks; what is only in memory and holds no key is written into a file without a name.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

HELD_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGUSR1})
"""What must wait while nobody listens to it: the new program takes it up."""

START_SECONDS_MAX = 60


class HandedChild(msgspec.Struct, frozen=True):
    """
    A running child: its process and the writing end of its life line.
    """

    pid: int
    life_line: int
    starts: int


class Handed(msgspec.Struct, frozen=True):
    """
    What a keeper leaves to the program it becomes. Numbers of open files, and no secret.
    """

    with_store: bool
    listener: int
    table: int
    control: int
    data_dir_lock: int
    keyring_lock: int
    children: dict[str, HandedChild]
    figures: dict[str, Any]
    believed: tuple[int, int]
    """Wall and monotonic time at which the clock was believed last: a leap stays one."""
    glass_broken: int

    def descriptors(self) -> list[int]:
        """
        List the open files that must outlive the old program.
        """
        own = [self.listener, self.table, self.control, self.data_dir_lock, self.keyring_lock]
        return own + [child.life_line for child in self.children.values()]


def become(arguments: list[str], environment: Mapping[str, str], handed: Handed) -> None:
    """
    Run `python -m daysalt.child` with these arguments and the number of the file with `handed`, in place of this
    program. Returns only if that failed.

    Raises:
        OSError: it cannot be started; everything is as before.
    """
    descriptor = os.memfd_create("handed-over", 0)
    kept = handed.descriptors()
    try:
        os.write(descriptor, msgspec.json.encode(handed))
        for number in kept:
            os.set_inheritable(number, True)
        # -P: whatever lies in the working directory is no part of us.
        command = [sys.executable, "-P", "-m", "daysalt.child", *arguments, str(descriptor)]
        os.execve(sys.executable, command, {**os.environ, **environment})  # noqa: S606 - a program of ours
    except OSError:
        for number in kept:
            os.set_inheritable(number, False)
        os.close(descriptor)
        raise


async def starts(environment: Mapping[str, str]) -> bool:
    """
    Try whether the program that would take over can start: it may have been changed on disk since.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "daysalt.child", "ready", env={**os.environ, **environment}
    )
    try:
        return await asyncio.wait_for(process.wait(), START_SECONDS_MAX) == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False


def take_over(descriptor: int) -> Handed:
    """
    Read what the program before has left, and keep its open files from programs that this one starts.
    """
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        handed = msgspec.json.decode(file.read(), type=Handed)
    for number in handed.descriptors():
        os.set_inheritable(number, False)
    return handed


def inherited(number: int) -> socket.socket:
    """
    Make a socket of an open file that the program before has left.
    """
    taken = socket.socket(fileno=number)
    taken.setblocking(False)  # the method's own way
    return taken


def hold_signals() -> None:
    """
    Let signals wait: nobody would hear them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)


def let_signals_through() -> None:
    """
    Take signals again, those that waited first.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)
