"""
What the commands share on their line: the options, and the settings that follow from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
