"""
The keys, for one command: the running keeper through its socket, or the directories for ourselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daysalt.commands.failures import CommandError
from warehouse.data_dir import KEEPER_SOCKET, DataDirInUse, lock_data_dir
from warehouse.local_socket import SocketAbsent, call
from warehouse.settings import Settings

ANSWER_SECONDS_MAX = 600
"""Dropping many days after a long outage takes its time."""

Answer = dict[str, Any]


def with_keeper(settings: Settings, alone: Callable[[Settings], Answer], operation: str, **arguments: object) -> Answer:
    """
    Do something with the keys, whoever has them.

    Args:
        alone: what to do when no server runs; the data directory's lock is held meanwhile.
        operation: the name under which a running keeper does the same, with `arguments`.

    Raises:
        CommandError: a server is starting or stopping, or another command has the directory.
        SocketRefused: the running keeper says no, and why.
    """
    try:
        lock = lock_data_dir(settings.data_dir)
    except DataDirInUse:
        try:
            return call(settings.data_dir / KEEPER_SOCKET, operation, timeout_s=ANSWER_SECONDS_MAX, **arguments)
        except SocketAbsent:
            raise CommandError(
                f"the data directory {settings.data_dir} is in use, but no keeper answers on it: a server is "
                "starting or stopping, or another command is at work; try again in a moment"
            ) from None
    with lock:
        return alone(settings)
