"""
The store, for one command: the running one through its socket, or the data directory for ourselves.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from daysalt.commands.failures import CommandError
from daysalt.progress import Report
from warehouse.client import Warehouse
from warehouse.data_dir import STORE_SOCKET, DataDirInUse, lock_data_dir
from warehouse.settings import Settings

ANSWER_SECONDS_MAX = 600
"""How long the store may be silent: one month of rows is copied or deleted between two lines of progress."""

Answer = dict[str, Any]


def stored(settings: Settings) -> bool:
    """
    Tell whether there is a store yet; to look for one would make it.
    """
    url = urlsplit(settings.warehouse_url)
    return url.scheme != "chdb" or Path(unquote(url.path)).exists()


def with_store(
    settings: Settings,
    alone: Callable[[Warehouse], Answer],
    operation: str,
    report: Report | None = None,
    *,
    timeout_s: float = ANSWER_SECONDS_MAX,
    **arguments: object,
) -> Answer:
    """
    Do something with the warehouse, whoever has it.

    Args:
        alone: what to do when nobody has it; gets the open warehouse.
        operation: the name under which a running store does the same, with `arguments`.
        report: takes the progress lines (`what`, `done`, `total`) of a running store.
        timeout_s: seconds a running store may be silent.

    Raises:
        CommandError: a server is starting or stopping, or another command has the directory.
        SocketRefused: the running store says no, and why.
    """
    try:
        lock = lock_data_dir(settings.data_dir)
    except DataDirInUse:
        return _through_socket(settings, operation, report, timeout_s, arguments)
    with lock:
        warehouse = Warehouse(settings.warehouse_url)
        try:
            return alone(warehouse)
        finally:
            warehouse.close()


def _through_socket(
    settings: Settings, operation: str, report: Report | None, timeout_s: float, arguments: Answer
) -> Answer:
    from warehouse.local_socket import SocketAbsent, stream

    answer: Answer = {}
    try:
        for answer in stream(settings.data_dir / STORE_SOCKET, operation, timeout_s=timeout_s, **arguments):
            if report is not None and {"what", "done", "total"} <= answer.keys():
                report(str(answer["what"]), int(answer["done"]), int(answer["total"]))
    except SocketAbsent:
        raise CommandError(
            f"the data directory {settings.data_dir} is in use, but no store answers on it: "
            "a server is starting or stopping, or another command is at work; try again in a moment"
        ) from None
    return answer
