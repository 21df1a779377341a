"""
The register of periods: complete, versioned, and claiming nothing that is not so.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from warehouse.privacy.register import LANGUAGES, RegisterError, load_register, period_text

TODAY = date(2026, 11, 22)
ROW = """
[[entry]]
id = "support"
subject = "customer"
purpose = "support"
category = "name, e-mail address, IP address"
basis = "art. 6(1)(b) GDPR"
period = "P2Y"
anchor = "last_activity"
from = 2026-01-01
en = {title = "Support", what = "What you write.", why = "To answer.", start = "the last contact"}
sv = {title = "Kundtjänst", what = "Det du skriver.", why = "För att svara.", start = "den senaste kontakten"}
"""


def test_every_row_is_whole() -> None:
    """
    Each row says who, what, why, on which ground and how long, in both languages.
    """
    register = load_register()

    assert {"visitor-fraud", "visitor-statistics", "visitor-salt", "account"} <= {row.id for row in register.entries}
    for row in register.entries:
        assert all((row.subject, row.purpose, row.category, row.basis, row.period, row.anchor))
        assert set(LANGUAGES) == set(row.texts)
        assert all(all((text.title, text.what, text.why, text.start)) for text in row.texts.values())


def test_rows_are_keyed_by_subject_and_purpose(tmp_path: Path) -> None:
    """
    The same category may have two periods, one for each purpose: an address in a support case is not a visitor's.
    """
    (tmp_path / "privacy.toml").write_text(ROW)
    rows = {row.id: row for row in load_register(tmp_path).in_force(TODAY)}

    assert ("P2Y", "last_activity") == (rows["support"].period, rows["support"].anchor)
    assert rows["visitor-fraud"].period.startswith("setting:")


def test_a_row_that_ended_is_not_in_force(tmp_path: Path) -> None:
    """
    A changed period is a new row: the old one stays to be read, and is not in force any more.
    """
    (tmp_path / "privacy.toml").write_text(ROW.replace("from = 2026-01-01", "from = 2026-01-01\nto = 2026-06-01"))
    register = load_register(tmp_path)

    assert "support" in {row.id for row in register.entries}
    assert ("support" in {row.id for row in register.in_force(date(2026, 5, 31))}) is True
    assert ("support" in {row.id for row in register.in_force(date(2026, 6, 1))}) is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ROW.replace('subject = "customer"\n', ""), "subject"),
        ("[controller]\nnmae = 'x'\n", "nmae"),
        ("[[entry", "TOML"),
        ('[[recipient]]\nservice = "hosting"\n', "has no name"),
        (ROW + "\n" + ROW, "one id"),
        (ROW.replace('purpose = "support"', 'purpose = "support"\nwhen = "maybe"'), "maybe"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """
    A row that lacks something, or a field nobody knows, is said in one sentence.
    """
    (tmp_path / "privacy.toml").write_text(text)

    with pytest.raises(RegisterError, match=re.escape(words)):
        load_register(tmp_path)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("P2D", "P2D"), ("setting:DAYSALT_IP_RETENTION_DAYS:D", "P30D"),
        ("setting:DAYSALT_EVENT_RETENTION_MONTHS:M", "unlimited"),
    ],
)  # fmt: skip
def test_periods_follow_the_settings(period: str, expected: str) -> None:
    """
    A period that the operator chooses is told as they chose it.
    """
    settings = {"DAYSALT_IP_RETENTION_DAYS": 30, "DAYSALT_EVENT_RETENTION_MONTHS": 0}

    assert expected == period_text(period, settings)
