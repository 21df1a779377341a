"""
Shared links, segments and declared properties.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.clocks import FakeClock
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError, SignInThrottled

FILTERS = [["is", "visit:source", ["Google"]]]


def test_a_link_is_found_by_its_slug_until_it_ends(registry: Registry, clock: FakeClock) -> None:
    """A slug is long and random; after the end, as after removal, it leads nowhere."""
    site = registry.sites.add("example.com")
    link = registry.shared_links.add(site.id, "Press", expires_ms=clock.now_ms() + 1000)

    assert link == registry.shared_links.find(link.slug) == registry.shared_links.named(site.id, "Press")
    assert len(link.slug) >= 22
    clock.advance(seconds=1)
    assert registry.shared_links.find(link.slug) is None
    forever = registry.shared_links.add(site.id, "Board")
    registry.shared_links.remove(site.id, forever.id)
    assert registry.shared_links.find(forever.slug) is None


def test_passwords_of_links_cannot_be_tried_out(registry: Registry) -> None:
    """The right one opens, a wrong one does not, and after ten wrong ones the link waits."""
    site = registry.sites.add("example.com")
    link = registry.shared_links.add(site.id, "Press", password="only for the press")

    assert registry.shared_links.open(link, "only for the press")
    assert [False] * 10 == [registry.shared_links.open(link, "wrong") for _ in range(10)]
    with pytest.raises(SignInThrottled):
        registry.shared_links.open(link, "only for the press")


def test_wrong_links_are_refused(registry: Registry, clock: FakeClock) -> None:
    """Names are for one link; an end lies ahead; a segment is the site's own."""
    site, other = registry.sites.add("example.com"), registry.sites.add("other.example")
    foreign = registry.segments.add(other.id, "Google", FILTERS)
    registry.shared_links.add(site.id, "Press")
    extras: list[tuple[str, dict[str, Any], str]] = [
        ("Press", {}, "a shared link called 'Press' already"),
        (" ", {}, "a shared link needs a name"),
        ("Old", {"expires_ms": clock.now_ms()}, "would have ended already"),
        ("Weak", {"password": "short"}, "use at least 10"),
        ("Theirs", {"segment_id": foreign.id}, "the site has no segment with the number"),
    ]
    for name, extra, sentence in extras:
        with pytest.raises(RegistryError, match=sentence):
            registry.shared_links.add(site.id, name, **extra)

    assert ["Press"] == [link.name for link in registry.shared_links.all(site.id)]


def test_a_segment_that_limits_a_link_stays(registry: Registry) -> None:
    """Without its segment a link would show everything, so the link has to go first."""
    site = registry.sites.add("example.com")
    segment = registry.segments.add(site.id, "Google", FILTERS)
    link = registry.shared_links.add(site.id, "Agency", segment_id=segment.id)
    with pytest.raises(RegistryError, match="remove the link first"):
        registry.segments.remove(site.id, segment.id)
    registry.shared_links.remove(site.id, link.id)
    registry.segments.remove(site.id, segment.id)

    assert ([], None) == (registry.segments.all(site.id), registry.segments.find(site.id, segment.id))


def test_segments_need_a_name_and_filters(registry: Registry) -> None:
    """What is saved can be told apart and filters something."""
    site = registry.sites.add("example.com")
    registry.segments.add(site.id, "Google", FILTERS)

    assert [("Google", FILTERS)] == [(one.name, one.filters) for one in registry.segments.all(site.id)]
    with pytest.raises(RegistryError, match="a segment called 'Google' already"):
        registry.segments.add(site.id, "Google", FILTERS)
    with pytest.raises(RegistryError, match="a segment needs filters"):
        registry.segments.add(site.id, "Nothing", [])


def test_properties_are_declared_once(registry: Registry) -> None:
    """Declaring twice and taking back twice are no errors; a name is needed."""
    site = registry.sites.add("example.com")
    for name in ("title", "author", " title "):
        registry.properties.add(site.id, name)

    assert ["author", "title"] == registry.properties.all(site.id)
    registry.properties.remove(site.id, "title")
    registry.properties.remove(site.id, "title")
    assert ["author"] == registry.properties.all(site.id)
    with pytest.raises(RegistryError, match="a property needs a name"):
        registry.properties.add(site.id, " ")


def test_nothing_of_a_removed_site_is_left(registry: Registry) -> None:
    """Links, segments and properties go with their site."""
    site = registry.sites.add("example.com")
    segment = registry.segments.add(site.id, "Google", FILTERS)
    link = registry.shared_links.add(site.id, "Agency", segment_id=segment.id)
    registry.properties.add(site.id, "title")
    registry.sites.remove("example.com")

    assert (None, [], []) == (
        registry.shared_links.find(link.slug), registry.segments.all(site.id), registry.properties.all(site.id)
    )  # fmt: skip
