"""
Which failure ends a command with which exit code, and in which words.
"""

from __future__ import annotations

import traceback
from pathlib import Path

import sqlalchemy.exc

from warehouse.client import QueryTimeout, WarehouseRefused, WarehouseUnavailable
from warehouse.data_dir import DataDirError
from warehouse.migrate import MigrationError
from warehouse.registry.errors import RegistryAddressError, RegistryError
from warehouse.settings import SettingsError

FAILED = 1
WRONG_USAGE = 2


class CommandError(Exception):
    """
    A command could not do what was asked. The text is one sentence that says what to do.
    """


def exit_code(error: BaseException) -> int:
    """
    Tell the exit code: 2 for a wrong line or setting, 1 for everything that failed.
    """
    return WRONG_USAGE if isinstance(error, (SettingsError, RegistryAddressError)) else FAILED


def sentence(error: BaseException) -> str:
    """
    Say a failure in one sentence, never as a traceback.
    """
    if isinstance(error, KeyboardInterrupt):
        return "stopped"
    if isinstance(error, WarehouseUnavailable):
        return f"the warehouse does not answer ({error}): check DAYSALT_WAREHOUSE_URL and that it runs"
    if isinstance(error, WarehouseRefused):
        return f"the warehouse refused the statement ({error}): see `daysalt migrate --status`"
    known = (CommandError, SettingsError, RegistryError, DataDirError, MigrationError, QueryTimeout)
    # These are raised by parts that this module need not import; their text is written for people.
    named = (
        "SocketAbsent",
        "SocketRefused",
        "AddressesError",
        "BackupError",
        "ListError",
        "SeedError",
        "ImportRefused",
        "RebuildError",
        "ExportError",
        "SpoolError",
        "NothingSetAside",
        "KeyringError",
        "KeyDestroyed",
        "ProofError",
        "DsarError",
        "DisclosureError",
        "HoldError",
        "RecordError",
        "RegisterError",
    )
    if isinstance(error, known) or type(error).__name__ in named:
        return " ".join(str(error).split())
    if isinstance(error, OSError) and not isinstance(error, sqlalchemy.exc.SQLAlchemyError):
        about = f"{error.filename}: " if error.filename else ""
        return f"{about}{(error.strerror or type(error).__name__).lower()}: check that the path exists and is writable"
    # Not the text of an unknown error: it may hold a value nobody should see in a log.
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"something unexpected went wrong ({type(error).__name__}{place}): please report it with this line"
