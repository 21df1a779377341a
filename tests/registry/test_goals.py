"""
Goals.
"""

from __future__ import annotations

import pytest

from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError


def test_goals_are_listed_oldest_first(registry: Registry) -> None:
    """Both kinds keep what they were made of, and a page goal says what it is."""
    site = registry.sites.add("example.com")
    registry.goals.add(site.id, kind="event", event_name="Signup")
    registry.goals.add(site.id, kind="page", page_path="/thanks")
    registry.goals.add(site.id, kind="page", page_path="/blog/**", display_name=" Reading ")

    assert [
        ("event", "Signup", None, "Signup"),
        ("page", None, "/thanks", "Visit /thanks"),
        ("page", None, "/blog/**", "Reading"),
    ] == [(goal.kind, goal.event_name, goal.page_path, goal.display_name) for goal in registry.goals.all(site.id)]


def test_the_same_goal_is_made_once(registry: Registry) -> None:
    """Asking for a goal that is there gives it back, as PUT promises."""
    site = registry.sites.add("example.com")
    first = registry.goals.add(site.id, kind="event", event_name="Signup")

    assert first == registry.goals.add(site.id, kind="event", event_name="Signup")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": "event"}, "an event goal needs an event name of 1 to 120 characters"),
        ({"kind": "event", "event_name": "x" * 121}, "an event goal needs"),
        ({"kind": "page", "page_path": "thanks"}, "a page goal needs a page path that begins with a slash"),
        ({"kind": "scroll"}, "'scroll' is not a kind of goal: use event or page"),
        ({"kind": "event", "event_name": "a", "display_name": " "}, "the display name must have 1 to 200 characters"),
    ],
)
def test_goals_that_are_not_whole_are_refused(registry: Registry, given: dict[str, str], sentence: str) -> None:
    """The sentence says what is missing."""
    site = registry.sites.add("example.com")
    with pytest.raises(RegistryError, match=sentence):
        registry.goals.add(site.id, **given)  # type: ignore[arg-type]  # wrong on purpose

    assert [] == registry.goals.all(site.id)


def test_goals_of_nothing_are_refused(registry: Registry) -> None:
    """A goal needs its site, and removal its goal."""
    with pytest.raises(RegistryError, match="there is no site with the number 9"):
        registry.goals.add(9, kind="event", event_name="Signup")
    site = registry.sites.add("example.com")
    with pytest.raises(RegistryError, match="the site has no goal with the number 5"):
        registry.goals.remove(site.id, 5)
