"""
`daysalt settings`: every setting, as this start would see it.
"""

from __future__ import annotations

import typer

from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import print_json, print_table
from warehouse.settings import SETTINGS, Setting, Settings

DOTS = "••••••"


def register(app: typer.Typer) -> None:
    """
    Add the command to the command line.
    """
    app.command(epilog="Example: daysalt settings --json")(settings)


def settings(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Show every setting: value, default, unit, meaning and where the value came from.
    """
    loaded = settings_for(data_dir)
    rows = [_row(setting, loaded) for setting in SETTINGS]
    if as_json:
        print_json(rows)
        return
    columns = ("name", "value", "default", "unit", "origin", "meaning")
    print_table(columns, [[row[column] for column in columns] for row in rows], empty="")


def _row(setting: Setting, loaded: Settings) -> dict[str, str]:
    return {
        "name": setting.name,
        "value": _shown(setting, loaded),
        "default": setting.default,
        "unit": setting.unit,
        "origin": loaded.origins[setting.name],
        "meaning": setting.meaning,
    }


def _shown(setting: Setting, loaded: Settings) -> str:
    value: object = getattr(loaded, setting.field)
    if value is None or value == "":
        return ""
    # A default address of a store is made of the data directory and holds no secret.
    if setting.secret and loaded.origins[setting.name] != "default":
        return DOTS
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - items of any type print
    return str(value)
