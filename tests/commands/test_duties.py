"""
`daysalt doctor --privacy` on what people still have to do.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daysalt.checks.duties import check_controller, check_copies, check_due, check_second_owner
from daysalt.dsar import Cases
from daysalt.vault.disclosures import Disclosures
from daysalt.vault.holds import FILE as HOLDS_FILE
from tests.clocks import FakeClock
from warehouse.clock import SystemClock
from warehouse.privacy.register import OPERATOR_FILE
from warehouse.registry.database import Registry
from warehouse.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"DAYSALT_DATA_DIR": str(tmp_path)})


def test_somebody_answers_for_the_sites(settings: Settings) -> None:
    """
    Without name and e-mail it is pointed out.
    """
    before = check_controller(settings)
    (settings.data_dir / OPERATOR_FILE).write_text('[controller]\nname = "Example AB"\nemail = "p@example.com"\n')

    assert ("note", "well") == (before.state, check_controller(settings).state)


def test_a_root_key_beside_its_keyring_is_pointed_out(settings: Settings) -> None:
    """
    Whoever copies the directory has both then; on another medium a copy of the keyring is of no use.
    """
    apart = {"DAYSALT_DATA_DIR": str(settings.data_dir), "DAYSALT_ROOT_KEY_FILE": "/run/credentials/daysalt/root.key"}
    beside = check_copies(settings)

    assert ("note", "well") == (beside.state, check_copies(load_settings(apart)).state)
    assert "keys rotate --root" in beside.finding


def test_a_second_owner_can_approve(settings: Settings) -> None:
    """
    With one owner each read breaks the glass, and it is said; with two, or without a vault, all is well.
    """
    registry = Registry(settings.registry_url, SystemClock())
    states: list[str] = []
    for name in ("anna", "bo"):
        registry.users.add(f"{name}@example.com", "owner")
        states.append(check_second_owner(settings).state)
    registry.close()
    off = load_settings({"DAYSALT_DATA_DIR": str(settings.data_dir), "DAYSALT_IP_RETENTION_DAYS": "0"})

    assert ["note", "well", "well"] == [*states, check_second_owner(off).state]


def test_what_waits_is_named(settings: Settings) -> None:
    """
    A recipient to tell is a note; a hold past its review, or a case near its end, is unwell.
    """
    calm = check_due(settings)
    now = SystemClock().now_ms()
    disclosures = Disclosures(settings.data_dir, SystemClock(), lambda: {1})
    disclosures.add("Bank AB", purpose="fraud_risk", ticket="K-1", actor="anna", approver="bo", subjects=[(1, 1, "aa")])
    (notice,) = disclosures.notify([(1, 1, "aa")], "erasure", "D-1")
    waiting = check_due(settings)
    disclosures.told(notice.id)
    told = check_due(settings)
    case = Cases(settings.data_dir, FakeClock(now - 28 * 86_400_000)).open("access", "letter")
    late = check_due(settings)
    Cases(settings.data_dir, SystemClock()).close(case.id, b"answered")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    hold = {
        "case": "C-7", "ground": "RB 39:1", "requester": "anna", "approver": "bo", "added_on": "2026-01-01",
        "review_on": yesterday, "rows": 1, "sealed": "",
    }  # fmt: skip
    (settings.data_dir / HOLDS_FILE).write_text(json.dumps([hold]))
    held = check_due(settings)

    assert ["well", "note", "well", "unwell", "unwell"] == [check.state for check in (calm, waiting, told, late, held)]
    assert [True, True, True] == [
        name in check.finding for name, check in (("Bank AB", waiting), (case.id, late), ("C-7", held))
    ]
