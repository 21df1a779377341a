"""
The commands that start the server, whole or one role of it. The command becomes what it starts.
"""

from __future__ import annotations

from typing import Annotated

import typer

from daysalt.commands.options import DataDir, Host, Port, Workers, settings_for
from daysalt.environment import become


def register(app: typer.Typer) -> None:
    """
    Add the commands to the command line.
    """
    app.command(epilog="Example: daysalt serve --host 0.0.0.0 --port 8000 --workers 2")(serve)
    app.command(epilog="Example: daysalt collect --port 8000 --workers 4")(collect)
    app.command(epilog="Example: daysalt drain --with-dashboard")(drain)
    app.command(epilog="Example: daysalt dashboard --port 8001")(dashboard)


def serve(host: Host = None, port: Port = None, data_dir: DataDir = None, workers: Workers = None) -> None:
    """
    Start everything: collectors, store and dashboard on one port.
    """
    settings = settings_for(data_dir, host=host, port=port, workers=workers)
    become(settings, "keeper", "serve")


def collect(host: Host = None, port: Port = None, data_dir: DataDir = None, workers: Workers = None) -> None:
    """
    Start collectors only: they take beacons and write the spool.
    """
    settings = settings_for(data_dir, host=host, port=port, workers=workers)
    become(settings, "keeper", "collect")


def drain(
    with_dashboard: Annotated[
        bool, typer.Option("--with-dashboard", help="Answer dashboard and API questions in the same process.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """
    Start the drain only: it carries the spool into the warehouse.
    """
    settings = settings_for(data_dir)
    become(settings, "drain", *(["dashboard"] if with_dashboard else []))


def dashboard(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """
    Start the dashboard and the stats API only.
    """
    settings = settings_for(data_dir, host=host, port=port)
    # Imported only here: `daysalt site list` must not wait for a server's imports.
    from daysalt.serve import run_dashboard

    raise typer.Exit(run_dashboard(settings))
