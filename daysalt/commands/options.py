"""
What the commands share on their line: the options, and the settings that follow from them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from warehouse.data_dir import KEEPER_SOCKET
from warehouse.local_socket import SocketAbsent, SocketRefused, call
from warehouse.settings import Settings, load_settings

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Data directory; over the setting DAYSALT_DATA_DIR.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to listen on; over DAYSALT_HOST.", show_default=False)
]
Port = Annotated[str | None, typer.Option("--port", help="Port to listen on; over DAYSALT_PORT.", show_default=False)]
Workers = Annotated[
    str | None, typer.Option("--workers", help="Collector processes; over DAYSALT_WORKERS.", show_default=False)
]


def settings_for(
    data_dir: Path | None = None, *, host: str | None = None, port: str | None = None, workers: str | None = None
) -> Settings:
    """
    Read the settings, with what the command line says over them.

    Raises:
        SettingsError: a setting or an option is not allowed.
    """
    given = {
        "DAYSALT_DATA_DIR": None if data_dir is None else str(data_dir),
        "DAYSALT_HOST": host,
        "DAYSALT_PORT": port,
        "DAYSALT_WORKERS": workers,
    }
    return load_settings(overrides={name: value for name, value in given.items() if value is not None})


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
