"""
The settings handed from one process to the next, and a command that becomes the process it starts.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from warehouse.settings import SETTINGS, Settings


def complete_environment(settings: Settings) -> dict[str, str]:
    """
    Write all settings as environment variables, whatever they came from: command line, environment or file.
    """
    values: dict[str, str] = {"DAYSALT_CONFIG": os.devnull}
    for setting in SETTINGS:
        value = getattr(settings, setting.field)
        if isinstance(value, bool):
            values[setting.name] = "1" if value else "0"
        elif isinstance(value, tuple):
            values[setting.name] = ",".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # tuples of networks or names
        else:
            values[setting.name] = "" if value is None else str(value)
    # The keeper has put it into the registry, hashed; nobody else needs it.
    values["DAYSALT_ADMIN_KEY"] = ""
    return values


def become(settings: Settings, *role: str) -> NoReturn:
    """
    Go on as one of the processes, under the same pid and on the same terminal.

    A server that lives for months need not hold the command line it was started with: all commands and what they
    import take 50 MiB.

    Args:
        role: as `daysalt.child` takes it.
    """
    environment = {**os.environ, **complete_environment(settings)}
    if settings.admin_key:
        environment["DAYSALT_ADMIN_KEY"] = settings.admin_key
    sys.stdout.flush()
    sys.stderr.flush()
    # -P: whatever lies in the working directory is no part of us.
    os.execve(sys.executable, [sys.executable, "-P", "-m", "daysalt.child", *role], environment)  # noqa: S606 - our own module
