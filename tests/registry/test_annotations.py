"""
Notes by day.
"""

from __future__ import annotations

from datetime import date

import pytest

from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError

NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def test_notes_are_listed_by_day(registry: Registry) -> None:
    """Written in any order, listed oldest first; changed and removed by number; others' notes are out of reach."""
    site, other = registry.sites.add("example.com"), registry.sites.add("other.example")
    late = registry.annotations.add(site.id, "2026-11-30", " New   prices ")
    early = registry.annotations.add(site.id, "2026-11-01", "Launch", public=True)
    registry.annotations.add(site.id, "2026-12-01", "December")

    assert [early, late] == registry.annotations.between(site.id, *NOVEMBER, only_public=False)
    assert [early] == registry.annotations.between(site.id, *NOVEMBER, only_public=True)
    assert "New prices" == late.note
    changed = registry.annotations.change(site.id, late.id, "2026-11-02", "Prices", public=True)
    assert [early, changed] == registry.annotations.between(site.id, *NOVEMBER, only_public=True)
    with pytest.raises(RegistryError, match="no note with the number"):
        registry.annotations.change(other.id, late.id, "2026-11-02", "Mine", public=True)
    with pytest.raises(RegistryError, match="no note with the number"):
        registry.annotations.remove(other.id, late.id)
    registry.annotations.remove(site.id, late.id)
    assert [early] == registry.annotations.between(site.id, *NOVEMBER, only_public=False)


@pytest.mark.parametrize(
    ("day", "note", "sentence"),
    [
        ("2026-02-30", "x", "is not a day"),
        ("20260201", "x", "is not a day"),
        ("2026-02-01", " ", "a note needs a text"),
        ("2026-02-01", "x" * 301, "a note needs a text"),
        ("2026-02-01", "a\x00b", "a note needs a text"),
    ],
)
def test_wrong_notes_are_refused(registry: Registry, day: str, note: str, sentence: str) -> None:
    """A note has a day of the calendar and one line of text."""
    site = registry.sites.add("example.com")

    with pytest.raises(RegistryError, match=sentence):
        registry.annotations.add(site.id, day, note)


def test_notes_go_with_their_site(registry: Registry) -> None:
    """A removed site leaves no note, also none for a later site of the same name."""
    site = registry.sites.add("example.com")
    registry.annotations.add(site.id, "2026-11-01", "Launch")
    registry.sites.remove("example.com")
    again = registry.sites.add("example.com")

    assert [] == registry.annotations.between(site.id, *NOVEMBER, only_public=False)
    assert [] == registry.annotations.between(again.id, *NOVEMBER, only_public=False)
