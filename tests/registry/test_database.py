"""
The registry as a file that several processes share, and as PostgreSQL.
"""

from __future__ import annotations

import re
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from tests.clocks import FakeClock
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryAddressError, RegistryError, RegistryUnavailable
from warehouse.registry.schema import METADATA

_HAMMER = """
import sys
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry
url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
registry = Registry(url, SystemClock())
for number in range(count):
    site = registry.sites.add(f"{name}-{number}.example")
    registry.sites.change(site.domain, k=7, shields={"country": ["SE"]})
    assert registry.sites.find(site.domain).k == 7
registry.close()
"""


def hammer(url: str, processes: int, sites: int) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", _HAMMER, url, f"p{number}", str(sites)]) for number in range(processes)
    ]
    assert [0] * processes == [process.wait(timeout=100) for process in running]


def test_processes_that_write_at_once_lose_nothing(url: str, clock: FakeClock) -> None:
    """Four processes open the missing file at the same moment and change it; all of it is there, numbered apart."""
    hammer(url, 4, 20)
    registry = Registry(url, clock)
    sites = registry.sites.all()
    revision = registry.revision()
    registry.close()

    assert 80 == len(sites)
    assert set(range(1, 81)) == {site.id for site in sites}
    assert 160 == revision


def test_files_are_for_their_owner_alone(registry: Registry, tmp_path: Path) -> None:
    """The file, its journals and its directory are closed to others, whatever the umask."""
    registry.sites.add("example.com")
    directory = tmp_path / "data"

    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert {"registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm"} == {
        path.name for path in directory.iterdir()
    }


def test_what_one_process_changes_another_sees(url: str, registry: Registry, clock: FakeClock) -> None:
    """A command's change reaches the running server."""
    other = Registry(url, clock)
    other.sites.add("example.com")
    other.close()

    assert ["example.com"] == [site.domain for site in registry.sites.all()]


def test_the_steps_make_what_the_queries_expect(registry: Registry, url: str) -> None:
    """Every table and column of the queries is in the schema, and nothing else."""
    engine = create_engine(url)
    made = inspect(engine)
    found = {name: {column["name"] for column in made.get_columns(name)} for name in made.get_table_names()}
    engine.dispose()
    found.pop("sqlite_sequence", None)

    assert {name: {column.name for column in table.columns} for name, table in METADATA.tables.items()} == found


def test_a_newer_registry_is_left_alone(url: str, registry: Registry, clock: FakeClock, tmp_path: Path) -> None:
    """An older version says so instead of guessing."""
    connection = sqlite3.connect(tmp_path / "data" / "registry.sqlite")
    connection.execute("INSERT INTO schema_steps VALUES (99, 0)")
    connection.commit()
    connection.close()
    with pytest.raises(RegistryError, match=r"the registry has schema step 99, this version .* run the newer version"):
        Registry(url, clock)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "DAYSALT_REGISTRY_URL is not an address"),
        ("mysql://user:hunter2@host/x", "DAYSALT_REGISTRY_URL begins with 'mysql'"),
        ("sqlite://", "DAYSALT_REGISTRY_URL begins with 'sqlite'"),
        ("postgresql://u:hunter2@host/x", "DAYSALT_REGISTRY_URL begins with 'postgresql'"),
    ],
)
def test_other_addresses_are_refused_without_their_password(url: str, sentence: str, clock: FakeClock) -> None:
    """The sentence names the kind, never the whole address."""
    with pytest.raises(RegistryAddressError, match=re.escape(sentence)) as refusal:
        Registry(url, clock)

    assert "hunter2" not in str(refusal.value)


def test_a_file_that_is_no_registry_is_said_to_be_none(clock: FakeClock, tmp_path: Path) -> None:
    """Garbage is not overwritten."""
    path = tmp_path / "registry.sqlite"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(RegistryUnavailable, match="is not a whole SQLite file"):
        Registry(f"sqlite:///{path}", clock)

    assert b"not a database" * 1000 == path.read_bytes()


def test_a_directory_in_the_way_is_named(clock: FakeClock, tmp_path: Path) -> None:
    """What cannot be opened is named with what to do."""
    (tmp_path / "registry.sqlite").mkdir()
    with pytest.raises(RegistryUnavailable, match="cannot be opened"):
        Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)


def test_a_server_that_is_away_is_said_to_be(clock: FakeClock) -> None:
    """The sentence names the host and the setting, and not the password."""
    with pytest.raises(RegistryUnavailable, match=r"the registry on 127\.0\.0\.1 does not answer") as refusal:
        Registry("postgresql+pg8000://daysalt:hunter2@127.0.0.1:1/daysalt", clock)

    assert "hunter2" not in str(refusal.value)
