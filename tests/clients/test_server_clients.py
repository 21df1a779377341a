"""
Packages of others that send from a server, as programs of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.counted import Counted
from tests.clients.fetched import server_clients
from tests.server import Server, run_server

pytestmark = pytest.mark.server

PROGRAM_SECONDS_MAX = 60


@pytest.fixture(scope="module")
def packages() -> Path:
    return server_clients()


@pytest.fixture(scope="module")
def server(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("server")) as started:
        yield started


def run(program: str, packages: Path, server: Server, domain: str) -> Any:
    """
    Run a program of this folder with the fetched packages, and read what it prints as JSON.
    """
    path = Path(__file__).parent / program
    ran = subprocess.run(
        [sys.executable, "-P", str(path), server.base_url, domain], env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True, text=True, timeout=PROGRAM_SECONDS_MAX, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_django_site_that_forwards(server: Server, packages: Path) -> None:
    """
    `django-plausible-proxy` serves our script as its own, forwards beacons and sends events: one visitor, one visit.
    """

    counts = Counted(server, "shop.test")
    try:
        answers = run("django_pages.py", packages, server, "shop.test")

        assert answers == {"script": 200, "has_links": True, "pageview": 202, "told": True}
        counts.expect("event:name", {"pageview": 1, "Buy": 1})
        counts.expect("event:name", {"pageview": 1, "Buy": 1}, "visitors")
        counts.expect("visit:browser", {"Chrome": 1}, "visits")
        counts.expect("visit:source", {"mail": 1}, "visits")
        counts.expect("event:props:seats", {"3": 1, "(none)": 1})
    finally:
        counts.close()


def test_program_that_tells_of_its_use(server: Server, packages: Path) -> None:
    """
    `plausible-events` sends from a queue with addresses that begin with `app://`.
    """

    counts = Counted(server, "program.test")
    try:
        assert run("terminal_program.py", packages, server, "program.test") == [202, 202]
        counts.expect("event:name", {"pageview": 1, "export": 1})
        counts.expect("event:page", {"/start": 1, "/files": 1})
        counts.expect("visit:browser", {"Firefox": 1}, "visits")
        counts.expect("visit:utm_campaign", {"spring": 1}, "visits")
        counts.expect("event:props:format", {"csv": 1, "(none)": 1})
    finally:
        counts.close()
