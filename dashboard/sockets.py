"""
What the read side asks the other processes of its machine, over their sockets. It gets words and counts: no key, no
risk id, no row of the vault ever comes back.
"""

from __future__ import annotations

from typing import Any

from warehouse.data_dir import KEEPER_SOCKET, RISK_SOCKET
from warehouse.local_socket import Fields, SocketAbsent, SocketRefused, call
from warehouse.settings import Settings

KEEPER_SECONDS = 30.0
"""A look-up asks for each living day of each site."""
QUALITY_SECONDS = 1.0
"""A panel that does not come in time is left out; the page does not wait for it."""


class NobodyThere(Exception):
    """
    The process that is asked does not run on this machine, or not now.
    """


class Refused(Exception):
    """
    It said no; the text is one sentence for a person.
    """


def ask_keeper(settings: Settings, operation: str, **arguments: Any) -> Fields:
    """
    Ask the keeper, who finds out for itself who asks and whether they may.

    Raises:
        NobodyThere, Refused: as they say.
    """
    try:
        return call(settings.data_dir / KEEPER_SOCKET, operation, timeout_s=KEEPER_SECONDS, **arguments)
    except SocketAbsent as error:
        raise NobodyThere from error
    except SocketRefused as error:
        raise Refused(str(error)) from error


def ask_quality(settings: Settings, site_id: int, window: str, k: int) -> Fields | None:
    """
    Ask the risk windows how a site's traffic divides by class.

    Args:
        window: `1h` or `24h`.

    Returns:
        Counts of at least `k` addresses each; None when nobody answers in time.
    """
    path = settings.data_dir / RISK_SOCKET
    try:
        return call(path, "quality", timeout_s=QUALITY_SECONDS, site_id=site_id, window=window, k=k)
    except (SocketAbsent, SocketRefused):
        return None
