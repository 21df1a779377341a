"""
The checks of `daysalt doctor`: each looks at one thing and says what it found and, if that is bad, what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from daysalt.checks.check import Check
from daysalt.checks.directories import check_data_dir, check_disk, check_keys_dir, check_root_key
from daysalt.checks.duties import check_controller, check_copies, check_due, check_second_owner
from daysalt.checks.machine import check_clock, check_compiled, check_python
from daysalt.checks.residue import (
    check_backup_mark,
    check_core_dumps,
    check_hibernation,
    check_query_logs,
    check_snapshots,
    check_swap,
)
from daysalt.checks.service import check_lists, check_registry, check_server, check_warehouse
from daysalt.checks.spool import check_spool
from daysalt.checks.traces import check_addresses
from daysalt.commands.failures import sentence
from daysalt.commands.options import settings_for
from warehouse.settings import Settings, SettingsError

_CHECKS: tuple[tuple[str, Callable[[Settings], Check]], ...] = (
    ("data directory", check_data_dir),
    ("disk", check_disk),
    ("keys directory", check_keys_dir),
    ("root key", check_root_key),
    ("registry", check_registry),
    ("warehouse", check_warehouse),
    ("spool", check_spool),
    ("server", check_server),
    ("lists", check_lists),
    ("clock", check_clock),
    ("python", check_python),
    ("compiled", check_compiled),
)
_PRIVACY_CHECKS: tuple[tuple[str, Callable[[Settings], Check]], ...] = (
    ("swap", check_swap),
    ("hibernation", check_hibernation),
    ("core dumps", check_core_dumps),
    ("snapshots", check_snapshots),
    ("query logs", check_query_logs),
    ("backup mark", check_backup_mark),
    ("key copies", check_copies),
    ("controller", check_controller),
    ("second owner", check_second_owner),
    ("duties", check_due),
)


def examine(data_dir: Path | None, *, privacy: bool, addresses: Sequence[str] = ()) -> list[Check]:
    """
    Run every check, in order; one that fails by itself is unwell and stops none.
    """
    try:
        settings = settings_for(data_dir)
    except SettingsError as error:
        return [Check("settings", "unwell", str(error))]
    checks = [Check("settings", "well", "every setting is known and allowed")]
    for name, check in (*_CHECKS, *(_PRIVACY_CHECKS if privacy else ())):
        try:
            checks.append(check(settings))
        except Exception as error:  # the edge: one broken check must not hide the others
            checks.append(Check(name, "unwell", sentence(error)))
    if addresses:
        checks.extend(check_addresses(settings, addresses))
    return checks
