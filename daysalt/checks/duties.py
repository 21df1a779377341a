"""
What people still have to do: who answers for the sites, where the root key lies, a second owner, holds to review,
cases and notices that wait.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from daysalt.checks.check import Check
from daysalt.commands.registry import open_registry
from daysalt.dsar import ALARM_DAYS, Cases
from daysalt.vault.disclosures import read_notices
from daysalt.vault.holds import overdue_holds
from warehouse.clock import SystemClock
from warehouse.privacy.register import OPERATOR_FILE, load_register
from warehouse.registry.connection import registry_path
from warehouse.settings import Settings


def check_controller(settings: Settings) -> Check:
    """
    The policy pages name somebody who can be asked.
    """
    register = load_register(settings.data_dir)
    if register.controller.get("name") and register.controller.get("email"):
        return Check("controller", "well", f"{register.controller['name']} answers for the sites")
    return Check(
        "controller", "note",
        f"{settings.data_dir / OPERATOR_FILE} names no controller with name and email, so the policy pages name nobody "
        "to ask: see docs/privacy.md",
    )  # fmt: skip


def check_copies(settings: Settings) -> Check:
    """
    Say what a stolen copy of the keys directory would open: nothing else on this machine can know of one.
    """
    if settings.root_key_file.parent == settings.keys_dir:
        return Check(
            "key copies", "note",
            "the root key lies beside the keyring, so a copy of that directory opens every key that lived then: keep "
            "the root key on another medium (DAYSALT_ROOT_KEY_FILE), and after a copy was made run "
            "`daysalt keys rotate --root` and destroy the old one",
        )  # fmt: skip
    return Check(
        "key copies", "well",
        "the root key lies apart from the keyring; after a copy of both was made run `daysalt keys rotate --root` and "
        "destroy the old one",
    )  # fmt: skip


def check_second_owner(settings: Settings) -> Check:
    """
    Reading the vault can be approved by somebody else.
    """
    path = registry_path(settings.registry_url)
    if not settings.ip_retention_days or (path is not None and not path.exists()):
        return Check("second owner", "well", "no address is kept that anybody could read")
    with open_registry(settings) as registry:
        owners = sum(user.role == "owner" for user in registry.users.all())
    if owners > 1:
        return Check("second owner", "well", f"{owners} owners: whoever reads the vault needs another one's word")
    return Check(
        "second owner", "note",
        "nobody can approve reads of the vault, so each one breaks the glass: `daysalt user add EMAIL --role owner`",
    )  # fmt: skip


def check_due(settings: Settings) -> Check:
    """
    No hold waits for its review, no case for its answer, no recipient for word of an erasure.
    """
    today = datetime.now(UTC).date()
    late = [*_late_holds(settings, today), *_late_cases(settings)]
    told = [notice for notice in read_notices(settings.data_dir) if not notice.told_ms]
    if late:
        return Check("duties", "unwell", "; ".join(late))
    if told:
        names = ", ".join(sorted({notice.recipient for notice in told}))
        return Check("duties", "note", f"to be told of an erasure or restriction: {names}: see `daysalt dsar notices`")
    return Check("duties", "well", "no hold, case or notice waits for anybody")


def _late_holds(settings: Settings, today: date) -> list[str]:
    return [
        f"the hold of {hold.case} was to be reviewed on {hold.review_on}: end it, or hold anew"
        for hold in overdue_holds(settings.data_dir, today)
    ]


def _late_cases(settings: Settings) -> list[str]:
    cases = Cases(settings.data_dir, SystemClock())
    return [
        f"the case {case.id} must be answered by {case.due}"
        for case in cases.all()
        if not case.closed_ms and cases.days_left(case) <= ALARM_DAYS
    ]
