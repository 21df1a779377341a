"""
What a start needs once: the public port, and on the first one the way for somebody to sign in.
"""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path

from daysalt.own_address import setup_link
from warehouse.data_dir import SETUP_TOKEN_FILE, write_private
from warehouse.log import logger
from warehouse.registry.database import Registry
from warehouse.settings import Settings

BACKLOG = 2048


class StartError(Exception):
    """
    The server cannot start. The text is one sentence that says what to do.
    """


def write_setup_token(settings: Settings, registry: Registry) -> str | None:
    """
    While nobody can sign in, put the set-up token into a file only we can read.

    Returns:
        The link to open, or None when there is somebody already.
    """
    path = settings.data_dir / SETUP_TOKEN_FILE
    token = registry.users.first_token()
    if token is None:
        path.unlink(missing_ok=True)
        return None
    write_private(path, token + "\n")
    return setup_link(settings, token)


def open_port(host: str, port: int) -> socket.socket:
    """
    Open a listening port.

    Raises:
        StartError: it is taken, or not ours to open.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        # The resolver's own numbers for a name nobody knows are below 0.
        foreign = (error.errno or 0) < 0 or error.errno == errno.EADDRNOTAVAIL
        advice = (
            "set DAYSALT_HOST to an address of this machine"
            if foreign
            else "stop what uses it, or choose another with PORT= or --port"
        )
        raise StartError(f"port {port} on {host} cannot be opened ({error.strerror}): {advice}") from error
    listener.setblocking(False)  # the method's own way
    return listener


def tell(text: str, path: Path | None = None) -> None:
    """
    Say something to the person at the terminal; a token never goes where output is collected.
    """
    if sys.stderr.isatty():
        print(text, file=sys.stderr)
    elif path is not None:
        logger().info("first start: the set-up token is in a file", file=str(path))
