"""
The same registry on a real PostgreSQL server, where one is installed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clocks import FakeClock
from tests.registry.test_database import hammer
from warehouse.registry.database import Registry
from warehouse.registry.sites import Shields

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(shutil.which("initdb") is None, reason="no PostgreSQL server is installed here"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """
    A server of its own on a socket in a directory of its own; it refuses to run as root, so it gets another user.
    """
    directory = Path(tempfile.mkdtemp(prefix="daysalt-pg-", dir="/tmp"))
    user: str | None = None
    if os.getuid() == 0:
        user = "nobody"
        os.chown(directory, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data = directory / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": directory}
    subprocess.run(["initdb", "-A", "trust", "-U", "daysalt", str(data)], check=True, user=user, **quiet)  # type: ignore[call-overload]  # the mapping hides the types
    options = f"-c listen_addresses= -k {directory} -c fsync=off -c max_connections=40"
    start = ["pg_ctl", "-D", str(data), "-o", options, "-w", "start"]
    subprocess.run(start, check=True, user=user, **quiet)  # type: ignore[call-overload]  # the mapping hides the types
    yield f"postgresql+pg8000://daysalt@/postgres?unix_sock={directory}/.s.PGSQL.5432"
    stop = ["pg_ctl", "-D", str(data), "-m", "immediate", "stop"]
    subprocess.run(stop, check=True, user=user, **quiet)  # type: ignore[call-overload]  # the mapping hides the types
    shutil.rmtree(directory)


def test_processes_share_a_postgresql_registry(server: str, clock: FakeClock) -> None:
    """Three processes open the empty database at once and change it; all of it is there, and no number twice."""
    hammer(server, 3, 10)
    registry = Registry(server, clock)
    sites, revision = registry.sites.all(), registry.revision()
    for site in sites:
        registry.sites.remove(site.domain)
    again = registry.sites.add("again.example")
    registry.close()

    assert (30, 60) == (len(sites), revision)
    assert again.id > max(site.id for site in sites)


def test_every_part_works_on_postgresql(server: str, clock: FakeClock) -> None:
    """Sites, goals, people, sign-ins and keys keep what they are given."""
    registry = Registry(server, clock)
    try:
        site = registry.sites.add("example.com", timezone="Europe/Stockholm", preset="cnil")
        site = registry.sites.change("example.com", shields={"country": ["SE"]}, public=True)
        goal = registry.goals.add(site.id, kind="event", event_name="Signup")
        token = registry.users.first_token()
        assert token is not None
        user = registry.users.accept_first(token, "anna@example.com", "correct horse")
        cookie = registry.sign_ins.start(user.id)
        key, plain = registry.keys.add("stats", site="example.com")
        registry.keys.ensure_admin("an admin key of mine")

        assert site == registry.sites.find("www.example.com")
        assert (True, False, Shields(country=("SE",))) == (site.public, site.vault, site.shields)
        assert [goal] == registry.goals.all(site.id)
        assert user == registry.sign_ins.find(cookie)
        assert user == registry.users.check("anna@example.com", "correct horse")
        assert registry.users.check("anna@example.com", "wrong password") is None
        assert key == registry.keys.find(plain)
        registry.sites.remove("example.com")
        assert (None, []) == (registry.keys.find(plain), registry.goals.all(site.id))
    finally:
        registry.close()
