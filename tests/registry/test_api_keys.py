"""
API keys.
"""

from __future__ import annotations

import pytest

from warehouse.registry.api_keys import ApiKey
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError


def test_a_key_is_found_by_its_text_alone(registry: Registry) -> None:
    """Right id and wrong secret is as unknown as nothing right."""
    key, plain = registry.keys.add("stats")
    assert plain.startswith(f"dsk_{key.id}_")

    assert key == registry.keys.find(plain)
    for wrong in (plain[:-1], plain + "x", f"dsk_{key.id}_", f"dsk_{key.id}", "dsk__", "", "ü", plain.upper()):
        assert registry.keys.find(wrong) is None


def test_a_revoked_key_is_listed_and_useless(registry: Registry) -> None:
    """Revoking is for good."""
    key, plain = registry.keys.add("stats")
    assert registry.keys.revoke(key.id).revoked

    assert registry.keys.find(plain) is None
    assert [(key.id, True)] == [(row.id, row.revoked) for row in registry.keys.all()]


@pytest.mark.parametrize(
    ("key_scope", "key_site", "scope", "site", "allowed"),
    [
        ("all", None, "stats", 1, True),
        ("all", 1, "stats", 1, True),
        ("all", 1, "stats", 2, False),
        ("all", 1, "sites", None, False),
        ("stats", None, "stats", 1, True),
        ("stats", None, "ingest", 1, False),
        ("stats", 1, "stats", 1, True),
        ("stats", 1, "stats", 2, False),
    ],
)
def test_what_a_key_allows(key_scope: str, key_site: int | None, scope: str, site: int | None, allowed: bool) -> None:
    """Scope and site must both fit; a key of one site is never good for none in particular."""
    key = ApiKey("a", key_scope, key_site, 0, revoked=False)

    assert allowed == key.allows(scope, site)
    assert not ApiKey("a", key_scope, key_site, 0, revoked=True).allows(scope, site)


def test_the_admin_key_follows_its_setting(registry: Registry) -> None:
    """It exists from the first start, changes with the setting, and goes with it."""
    registry.keys.ensure_admin("first-admin-key-text")
    before = registry.revision()
    registry.keys.ensure_admin("first-admin-key-text")
    assert before == registry.revision()
    found = registry.keys.find("first-admin-key-text")
    assert found is not None
    assert ("admin", "all", None) == (found.id, found.scope, found.site_id)
    registry.keys.ensure_admin("dsk_second_admin-key")
    assert registry.keys.find("first-admin-key-text") is None
    assert registry.keys.find("dsk_second_admin-key") is not None
    with pytest.raises(RegistryError, match="comes from the setting DAYSALT_ADMIN_KEY"):
        registry.keys.revoke("admin")
    registry.keys.ensure_admin("")

    assert registry.keys.find("dsk_second_admin-key") is None
    assert [] == registry.keys.all()


def test_refusals_say_what_to_do(registry: Registry) -> None:
    """Unknown scopes, sites and ids are named, except what may be a secret."""
    with pytest.raises(RegistryError, match="'everything' is not a scope: use one of all, ingest, stats"):
        registry.keys.add("everything")
    with pytest.raises(RegistryError, match=r"there is no site 'a\.example'"):
        registry.keys.add("stats", site="a.example")
    with pytest.raises(RegistryError) as refusal:
        registry.keys.revoke("dsk_0a1b_secret")

    assert "there is no key with this id: see `daysalt key list` for the ids" == str(refusal.value)


def test_a_ring_answers_without_the_registry(registry: Registry) -> None:
    """
    A ring knows the keys of its moment: living ones, the admin key too, and none that was revoked or made since.
    """
    kept, plain = registry.keys.add("ingest")
    gone, revoked = registry.keys.add("ingest")
    registry.keys.revoke(gone.id)
    registry.keys.ensure_admin("admin-key-of-the-tests-0001")
    ring = registry.keys.ring()
    _, later = registry.keys.add("ingest")
    admin = ring.find("admin-key-of-the-tests-0001")

    assert kept == ring.find(plain)
    assert admin is not None
    assert "all" == admin.scope
    assert [None] * 4 == [ring.find(text) for text in (revoked, later, plain[:-1], "dsk_admin_admin-key")]
