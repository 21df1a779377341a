"""
Tracker scripts: an id per site, and what each counts.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FakeClock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema_steps import apply_steps, known_steps


def test_each_site_has_an_id_nobody_guesses(registry: Registry) -> None:
    """
    Two sites' ids are random and different, and everything but hash routing is on.
    """

    sites = [registry.sites.add(domain) for domain in ("one.example", "two.example")]
    scripts = [registry.tracker_scripts.of(site.id) for site in sites]

    assert scripts == registry.tracker_scripts.all()
    assert [24, 24] == [len(script.script_id) for script in scripts]
    assert scripts[0].script_id != scripts[1].script_id
    assert {(True, True, (), True, False)} == {
        (one.outbound_links, one.file_downloads, one.file_types, one.form_submissions, one.hash_routing)
        for one in scripts
    }


def test_site_from_before_gets_a_script(url: str, tmp_path: Path, clock: FakeClock) -> None:
    """
    The step gives each site that is there an id of its own.
    """

    connection = RegistryConnection(url)
    apply_steps(connection, clock, known_steps()[:3])
    values = "'Etc/UTC', 5, 0, 1, 1, 'count', 'keep', 0"
    columns = "domain, timezone, k, public, vault, risk, signals, datacenter, created_ms"
    with sqlite3.connect(tmp_path / "data" / "registry.sqlite") as file:
        for domain in ("one.example", "two.example"):
            file.execute(f"INSERT INTO sites ({columns}) VALUES ('{domain}', {values})")
    file.close()
    connection.close()
    registry = Registry(url, clock)
    scripts = registry.tracker_scripts.all()
    registry.close()

    assert ["one.example", "two.example"] == [script.domain for script in scripts]
    assert 2 == len({script.script_id for script in scripts})
    assert {24} == {len(script.script_id) for script in scripts}


def test_change_is_kept_and_seen_by_collectors(registry: Registry) -> None:
    """
    What is named changes, the rest and the id stay; the revision goes up.
    """

    site = registry.sites.add("one.example")
    before, revision = registry.tracker_scripts.of(site.id), registry.revision()
    registry.tracker_scripts.change(site.id, outbound_links=False, file_types=[".tar.xz", " iso ", "iso"])
    after = registry.tracker_scripts.of(site.id)

    assert (False, True, ("tar.xz", "iso")) == (after.outbound_links, after.file_downloads, after.file_types)
    assert before.script_id == after.script_id
    assert registry.revision() > revision


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"outbound_links": "yes"}, "outbound_links is 'yes', but must be true or false"),
        ({"file_types": "pdf"}, "file_types must be a list of file endings such as pdf and zip"),
        ({"file_types": ["a b"]}, "'a b' is not a file's ending: use letters and digits, such as pdf"),
        ({"file_types": ['x"});//']}, "is not a file's ending"),
        ({"file_types": [f"type{number:016}" for number in range(30)]}, "more than 500 characters"),
        ({"color": True}, "'color' is not a setting of a script"),
    ],
)
def test_bad_setting_changes_nothing(registry: Registry, settings: dict[str, Any], sentence: str) -> None:
    """
    One sentence says which value, and the script is as before.
    """

    site = registry.sites.add("one.example")
    before = registry.tracker_scripts.of(site.id)

    with pytest.raises(RegistryError) as raised:
        registry.tracker_scripts.change(site.id, **settings)
    assert sentence in str(raised.value)
    assert before == registry.tracker_scripts.of(site.id)


def test_script_goes_with_its_site(registry: Registry) -> None:
    """
    After a removal there is no script, and a new site of the same name gets another one.
    """

    first = registry.sites.add("one.example")
    script = registry.tracker_scripts.of(first.id)
    registry.sites.remove("one.example")

    with pytest.raises(RegistryError):
        registry.tracker_scripts.of(first.id)
    second = registry.sites.add("one.example")
    assert script.script_id != registry.tracker_scripts.of(second.id).script_id
