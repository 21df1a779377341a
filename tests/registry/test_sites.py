"""
Sites: names, settings, numbers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clocks import FakeClock
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.registry.site_keys import SITE_KEY_CHARS_MAX
from warehouse.registry.sites import Shields, Site


def test_a_new_site_has_the_promised_defaults(registry: Registry) -> None:
    """k is 5, public is off, vault and risk are on, signals count."""
    site = registry.sites.add("example.com", timezone="Europe/Stockholm")

    assert (
        Site(
            id=1,
            domain="example.com",
            previous_domain=None,
            timezone="Europe/Stockholm",
            k=5,
            public=False,
            vault=True,
            risk=True,
            signals="count",
            datacenter="keep",
            preset=None,
            shields=Shields(),
            created_ms=1_795_347_000_000,
        )
        == site
    )


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("https://www.Example.com/", "example.com"),
        ("  EXAMPLE.com", "example.com"),
        ("example.com/Blog/", "example.com/blog"),
        ("localhost:8080", "localhost:8080"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "bücher.example"),
    ],
)
def test_domains_are_written_one_way(registry: Registry, given: str, key: str) -> None:
    """Scheme, www., case and trailing slash make no second site."""
    registry.sites.add(given)

    found = registry.sites.find(given)
    assert found is not None
    assert key == found.domain


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "the domain is empty: give one such as example.com"),
        ("two words", "'two words' cannot be a site: give a domain such as example.com or example.com/blog"),
        ("a.com?x=1", "'a.com?x=1' cannot be a site: give a domain such as example.com or example.com/blog"),
        ("me@a.com", "'me@a.com' cannot be a site: give a domain such as example.com or example.com/blog"),
        ("a.com\n", None),
        ("login", "'login' is an address of Daysalt itself: give the site's domain, such as example.com"),
        ("x" * 254, f"the domain has 254 characters: at most {SITE_KEY_CHARS_MAX} are allowed"),
    ],
)
def test_what_is_no_domain_is_refused(registry: Registry, given: str, sentence: str | None) -> None:
    """The sentence says what is wrong and what to give."""
    if sentence is None:
        # White space around a domain is a slip of the hand, no other site.
        assert "a.com" == registry.sites.add(given).domain
        return
    with pytest.raises(RegistryError) as refusal:
        registry.sites.add(given)

    assert sentence == str(refusal.value)


def test_a_taken_domain_is_refused(registry: Registry) -> None:
    """One domain is one site."""
    registry.sites.add("example.com")
    with pytest.raises(RegistryError, match=r"there is a site example\.com already"):
        registry.sites.add("www.example.com")

    assert 1 == len(registry.sites.all())


def test_numbers_are_never_given_twice(registry: Registry) -> None:
    """Rows in the warehouse carry the number for years, so a new site must not inherit them."""
    first = registry.sites.add("one.example")
    registry.sites.remove("one.example")
    second = registry.sites.add("one.example")

    assert (1, 2) == (first.id, second.id)


def test_a_renamed_site_is_found_under_both_names(registry: Registry) -> None:
    """Pages with the old snippet keep counting."""
    registry.sites.add("old.example")
    registry.sites.rename("old.example", "new.example")

    old, new = registry.sites.find("www.OLD.example"), registry.sites.find("new.example")
    assert old == new
    assert old is not None
    assert ("new.example", "old.example") == (old.domain, old.previous_domain)


def test_a_new_site_takes_over_a_remembered_name(registry: Registry) -> None:
    """Whoever is called this now gets its hits, and no name leads to two sites."""
    registry.sites.add("a.example")
    registry.sites.rename("a.example", "b.example")
    second = registry.sites.add("a.example")

    found = registry.sites.find("a.example")
    assert found is not None
    assert second.id == found.id
    registry.sites.rename("a.example", "c.example")
    assert [("b.example", None), ("c.example", "a.example")] == [
        (site.domain, site.previous_domain) for site in registry.sites.all()
    ]


def test_renaming_back_and_onto_others(registry: Registry) -> None:
    """A site may get its old name back, and never another's."""
    registry.sites.add("a.example")
    registry.sites.add("b.example")
    registry.sites.rename("a.example", "c.example")
    assert "a.example" == registry.sites.rename("c.example", "a.example").domain
    with pytest.raises(RegistryError, match=r"there is a site b\.example already"):
        registry.sites.rename("a.example", "b.example")
    with pytest.raises(RegistryError, match=r"called a\.example already"):
        registry.sites.rename("a.example", "a.example")


def test_unknown_sites_are_none_or_a_sentence(registry: Registry) -> None:
    """Finding answers None; changing says what to do."""
    assert registry.sites.find("nowhere.example") is None
    assert registry.sites.by_id(7) is None
    with pytest.raises(RegistryError, match=r"there is no site 'nowhere\.example': see `daysalt site list`"):
        registry.sites.remove("nowhere.example")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"timezone": "Mars/Olympus"}, "'Mars/Olympus' is not a time zone"),
        ({"timezone": "../../etc/passwd"}, "is not a time zone"),
        ({"k": 0}, "k is 0, but must be a whole number from 1 to 100"),
        ({"k": 101}, "k is 101"),
        ({"k": True}, "k is True"),
        ({"public": "yes"}, "public is 'yes', but must be true or false"),
        ({"signals": "maybe"}, "signals is 'maybe', but must be count or drop"),
        ({"datacenter": 1}, "datacenter is 1, but must be keep or drop"),
        ({"preset": "gdpr"}, "'gdpr' is not a preset: use cnil"),
        ({"colour": "red"}, "'colour' is not a setting of a site"),
        ({"shields": {"ip": ["300.1.1.1"]}}, "neither an address nor a network"),
        ({"shields": {"country": ["Sweden"]}}, "'Sweden' is not a country"),
        ({"shields": {"page": ["blog"]}}, "'blog' is not a page"),
        ({"shields": {"hostname": [""]}}, "an entry of the hostname shield is empty"),
        ({"shields": {"colour": []}}, "'colour' is not a kind of shield"),
        ({"shields": {"page": "/x"}}, "the page shield must be a list of texts"),
        ({"shields": {"page": ["/x"] * 501}}, "the page shield has 501 entries: at most 500 are allowed"),
    ],
)
def test_wrong_settings_change_nothing(registry: Registry, settings: dict[str, object], sentence: str) -> None:
    """Each refusal names the value and what is allowed, and leaves the site as it was."""
    before = registry.sites.add("example.com")
    with pytest.raises(RegistryError, match=sentence):
        registry.sites.change("example.com", **{"k": 7, **settings})  # type: ignore[arg-type]  # wrong on purpose

    assert before == registry.sites.find("example.com")


def test_shields_are_kept_in_one_form(registry: Registry) -> None:
    """Networks lose their host bits, countries are upper case, double entries count once."""
    site = registry.sites.change(
        "example.com" if registry.sites.add("example.com") else "",
        shields={
            "ip": ["10.1.2.3/8", "2001:DB8::1", "10.0.0.0/8"],
            "country": ["se", "SE"],
            "page": ["/admin/**"],
            "hostname": ["Shop.Example.com"],
        },
    )

    assert Shields(("10.0.0.0/8", "2001:db8::1"), ("SE",), ("/admin/**",), ("shop.example.com",)) == site.shields
    assert [site] == registry.sites.all()
    kept = registry.sites.change("example.com", shields=Shields(country=("NO",)))
    assert Shields(country=("NO",)) == kept.shields


def test_the_preset_keeps_vault_and_risk_off(registry: Registry) -> None:
    """cnil switches both off, and nothing switches them on while it holds."""
    site = registry.sites.add("example.com", preset="cnil")
    assert (False, False, "cnil") == (site.vault, site.risk, site.preset)
    with pytest.raises(RegistryError, match="which keeps vault and risk off"):
        registry.sites.change("example.com", vault=True)
    registry.sites.change("example.com", preset=None)

    assert registry.sites.change("example.com", vault=True).vault


def test_changes_raise_the_revision(registry: Registry) -> None:
    """Collectors notice sites, goals and keys by one number; people and sign-ins are not theirs."""
    seen = [registry.revision()]
    site = registry.sites.add("example.com")
    seen.append(registry.revision())
    registry.sites.change("example.com", k=3)
    seen.append(registry.revision())
    goal = registry.goals.add(site.id, kind="event", event_name="Signup")
    seen.append(registry.revision())
    registry.goals.remove(site.id, goal.id)
    seen.append(registry.revision())
    registry.keys.add("ingest")
    seen.append(registry.revision())
    registry.users.add("anna@example.com")
    seen.append(registry.revision())

    assert [0, 1, 2, 3, 4, 5, 5] == seen


def test_removing_a_site_takes_goals_and_keys_along(registry: Registry, tmp_path: Path) -> None:
    """Nothing of a removed site stays usable."""
    site = registry.sites.add("example.com")
    registry.goals.add(site.id, kind="page", page_path="/thanks")
    _, plain = registry.keys.add("stats", site="example.com")
    assert site == registry.sites.remove("example.com")

    assert ([], None) == (registry.goals.all(site.id), registry.keys.find(plain))


def test_a_new_time_zone_waits_for_midnight(registry: Registry, clock: FakeClock) -> None:
    """Until then the old one counts; a change that lies ahead can be changed again and taken back."""
    registry.sites.add("example.com", timezone="Etc/UTC")
    site = registry.sites.change("example.com", timezone="Europe/Stockholm")
    ahead = site.days.next_change(clock.now_ms())

    assert ahead is not None
    assert ("Etc/UTC", "Europe/Stockholm", "2026-11-23") == (site.timezone, ahead.after, ahead.first_day.isoformat())
    assert "Asia/Tokyo" == registry.sites.change("example.com", timezone="Asia/Tokyo").zone_changes[0].after
    assert () == registry.sites.change("example.com", timezone="Etc/UTC").zone_changes
    registry.sites.change("example.com", timezone="Europe/Stockholm")
    clock.advance(seconds=24 * 3600)
    later = registry.sites.by_id(site.id)
    assert later is not None
    assert ("Europe/Stockholm", 1) == (later.timezone, len(later.zone_changes))


def test_an_empty_site_changes_its_time_zone_at_once(registry: Registry) -> None:
    """Without events there are no days whose boundaries must stay."""
    registry.sites.add("example.com", timezone="Etc/UTC")
    registry.sites.change("example.com", timezone="Europe/Stockholm")
    site = registry.sites.change("example.com", is_empty=True, timezone="Asia/Tokyo")

    assert ("Asia/Tokyo", ()) == (site.timezone, site.zone_changes)
