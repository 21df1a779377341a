"""
The address people reach this Daysalt at, and the links and tags that are written with it.
"""

from __future__ import annotations

from dataclasses import replace

from warehouse.data_dir import KEEPER_SOCKET
from warehouse.local_socket import SocketAbsent, SocketRefused, call
from warehouse.settings import Settings


def base_url(settings: Settings) -> str:
    """
    Tell the address people reach this Daysalt at, without a slash at the end.
    """
    if settings.base_url:
        return settings.base_url
    settings = as_running(settings)
    # Listening everywhere is no address to click on.
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{settings.port}"


def as_running(settings: Settings) -> Settings:
    """
    Take host and port from the server that runs on the data directory: it may have been started with others.
    """
    try:
        status = call(settings.data_dir / KEEPER_SOCKET, "status", timeout_s=2)
    except (SocketAbsent, SocketRefused):
        return settings
    return replace(settings, host=str(status["host"]), port=int(status["port"]))


def snippet(settings: Settings, domain: str) -> str:
    """
    Write the script tag that a site owner pastes into their pages.
    """
    return f'<script defer data-domain="{domain}" src="{base_url(settings)}/js/script.js"></script>'


def setup_link(settings: Settings, token: str) -> str:
    """
    Write the link with which somebody chooses a password.
    """
    return f"{base_url(settings)}/setup?token={token}"
