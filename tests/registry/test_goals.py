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
        ({"kind": "funnel"}, "'funnel' is not a kind of goal: use event, page or scroll"),
        ({"kind": "scroll", "page_path": "/"}, "a scroll goal needs a scroll_threshold from 1 to 100"),
        ({"kind": "page", "page_path": "/", "scroll_threshold": 0}, "scroll_threshold is 0, but must be a whole"),
        ({"kind": "page", "page_path": "/", "scroll_threshold": True}, "scroll_threshold is True, but must be"),
        ({"kind": "event", "event_name": "a", "scroll_threshold": 5}, "an event goal has no scroll_threshold"),
        ({"kind": "event", "event_name": "engagement"}, "'engagement' is Daysalt's own event"),
        ({"kind": "event", "event_name": "a", "currency": "XYZQ"}, "'XYZQ' is not a currency"),
        ({"kind": "page", "page_path": "/", "currency": "EUR"}, "a page goal has no currency"),
        ({"kind": "event", "event_name": "a", "custom_props": ["a"]}, "custom_props must be an object of texts"),
        ({"kind": "event", "event_name": "a", "custom_props": {"a": 1}}, "the value of 'a' in custom_props must be"),
        ({"kind": "event", "event_name": "a", "custom_props": {"": "x"}}, "a name in custom_props must have"),
        ({"kind": "event", "event_name": "a", "custom_props": dict.fromkeys("abcd", "x")}, "custom_props has 4"),
        ({"kind": "event", "event_name": "a", "display_name": " "}, "the display name must have 1 to 200 characters"),
    ],
)
def test_goals_that_are_not_whole_are_refused(registry: Registry, given: dict[str, object], sentence: str) -> None:
    """The sentence says what is missing."""
    site = registry.sites.add("example.com")
    with pytest.raises(RegistryError, match=sentence):
        registry.goals.add(site.id, **given)  # type: ignore[arg-type]  # wrong on purpose

    assert [] == registry.goals.all(site.id)


def test_goals_differ_by_all_that_they_count(registry: Registry) -> None:
    """Another threshold or other properties are another goal; another currency of the same one is refused."""
    site = registry.sites.add("example.com")
    registry.goals.add(site.id, kind="page", page_path="/blog")
    half = registry.goals.add(site.id, kind="page", page_path="/blog", scroll_threshold=50)
    registry.goals.add(site.id, kind="scroll", page_path="/blog", scroll_threshold=90)
    registry.goals.add(site.id, kind="event", event_name="Buy", currency="eur")
    gold = {"plan": "gold"}
    registry.goals.add(site.id, kind="event", event_name="Buy", custom_props=gold, display_name="Gold")

    assert half == registry.goals.add(site.id, kind="scroll", page_path="/blog", scroll_threshold="50")
    assert ["Visit /blog", "Scroll 50% on /blog", "Scroll 90% on /blog", "Buy", "Gold"] == [
        goal.display_name for goal in registry.goals.all(site.id)
    ]
    with pytest.raises(RegistryError, match="is there already with the currency EUR"):
        registry.goals.add(site.id, kind="event", event_name="Buy", currency="USD")


def test_goal_names_are_for_one_goal(registry: Registry) -> None:
    """Filters name goals by what is shown, so no two goals of a site are called the same."""
    site = registry.sites.add("example.com")
    registry.goals.add(site.id, kind="event", event_name="Signup")
    page = registry.goals.add(site.id, kind="page", page_path="/in")
    with pytest.raises(RegistryError, match="the site has a goal called 'Signup' already"):
        registry.goals.add(site.id, kind="page", page_path="/up", display_name="Signup")
    with pytest.raises(RegistryError, match="the site has a goal called 'Signup' already"):
        registry.goals.rename(site.id, page.id, "Signup")

    assert "Came in" == registry.goals.rename(site.id, page.id, "Came in").display_name


def test_goals_of_nothing_are_refused(registry: Registry) -> None:
    """A goal needs its site, and removal its goal."""
    with pytest.raises(RegistryError, match="there is no site with the number 9"):
        registry.goals.add(9, kind="event", event_name="Signup")
    site = registry.sites.add("example.com")
    with pytest.raises(RegistryError, match="the site has no goal with the number 5"):
        registry.goals.remove(site.id, 5)
