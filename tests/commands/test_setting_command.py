"""
`daysalt settings`.
"""

from __future__ import annotations

from typing import cast

import pytest

from tests.commands.conftest import Command
from warehouse.settings import SETTINGS


def test_every_setting_is_shown_with_its_origin(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command shows the whole table, and where each value came from."""
    monkeypatch.setenv("DAYSALT_PORT", "9000")
    rows = cast("list[dict[str, str]]", command("settings", "--json").facts())
    shown = {row["name"]: row for row in rows}

    assert [setting.name for setting in SETTINGS] == list(shown)
    assert ("9000", "8000", "port", "environment") == tuple(
        shown["DAYSALT_PORT"][column] for column in ("value", "default", "unit", "origin")
    )
    assert ("fsync", "default") == (shown["DAYSALT_DURABILITY"]["value"], shown["DAYSALT_DURABILITY"]["origin"])
    assert "127.0.0.0/8, ::1/128" == shown["DAYSALT_TRUSTED_PROXIES"]["value"]
    assert all(row["meaning"] for row in rows)


def test_secrets_are_dots(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the admin key nor a database password is printed, in either form."""
    monkeypatch.setenv("DAYSALT_ADMIN_KEY", "hunter2hunter2hunter2")
    monkeypatch.setenv("DAYSALT_WAREHOUSE_URL", "clickhouse://me:hunter2@host/x")
    monkeypatch.setenv("DAYSALT_REGISTRY_URL", "postgresql+pg8000://me:hunter2@host/x")
    plain, as_json = command("settings"), command("settings", "--json")

    assert (0, 0) == (plain.code, as_json.code)
    assert "hunter2" not in plain.out + as_json.out + plain.err
    assert 3 == plain.out.count("••••••")
