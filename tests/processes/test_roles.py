"""
The roles on their own, as `docker-compose.yml` runs them: collectors here, drain and dashboard there, and between the
store and us the real ClickHouse HTTP client.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.processes.family import until
from tests.processes.load import DOMAIN, CountedSender, await_stored, stored_pages
from tests.server import ADMIN_KEY, STOP_DEADLINE_S, Server, free_port
from tests.warehouse.conftest import start_http_store

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


@contextmanager
def role(tmp_path: Path, *arguments: str, **environment: str) -> Generator[subprocess.Popen[bytes]]:
    """
    Run `daysalt ARGUMENTS` until the end of the block; it must then stop with exit code 0.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    settings = {"DAYSALT_DATA_DIR": str(tmp_path / "data"), "DAYSALT_FETCH_LISTS": "0", "DAYSALT_ADMIN_KEY": ADMIN_KEY}
    with (tmp_path / f"{arguments[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "daysalt", *arguments],
            env={**clean, **settings, **environment},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
        process.terminate()
        assert 0 == process.wait(STOP_DEADLINE_S), (tmp_path / f"{arguments[0]}.log").read_text()[-4000:]
    finally:
        process.kill()
        process.wait()


def test_collectors_and_drain_apart(tmp_path: Path) -> None:
    """
    Two collectors spool while no drain runs; the drain, started later, brings everything to the server's store once.
    """
    store = start_http_store(tmp_path / "clickhouse")
    port = free_port()
    try:
        with role(tmp_path, "collect", "--port", str(port), "--workers", "2") as collectors:
            server = Server(
                f"http://127.0.0.1:{port}", tmp_path / "data", ADMIN_KEY, collectors, tmp_path / "collect.log"
            )
            until(lambda: answers(server, "/health/ready"), "the collectors did not start")
            answer = httpx.post(
                f"{server.base_url}/api/event", json={"n": "pageview", "d": DOMAIN, "u": "x"}, trust_env=False
            )
            assert "unknown_site" == answer.headers["x-daysalt-dropped"]
            add = [sys.executable, "-m", "daysalt", "site", "add", DOMAIN, "--data-dir", str(tmp_path / "data")]
            added = subprocess.run(add, capture_output=True, text=True, check=True, timeout=60)
            assert f"http://127.0.0.1:{port}/js/script.js" in added.stdout
            server.await_site(DOMAIN)
            with CountedSender(server) as sender:
                until(lambda: len(sender.accepted) > 100, "nothing was accepted")
            assert 502 == httpx.get(server.base_url + "/", trust_env=False).status_code
            with role(tmp_path, "drain", "--with-dashboard", DAYSALT_WAREHOUSE_URL=store.url):
                stored = await_stored(server, sender.accepted)
                other = free_port()
                with role(tmp_path, "dashboard", "--port", str(other), DAYSALT_WAREHOUSE_URL=store.url):
                    apart = Server(f"http://127.0.0.1:{other}", tmp_path / "data", ADMIN_KEY, collectors, server.output)
                    until(lambda: answers(apart, "/login"), "the dashboard did not start")
                    assert stored == stored_pages(apart)
    finally:
        store.stop()

    assert dict.fromkeys(sender.accepted, 1) == stored


def answers(server: Server, path: str) -> bool:
    """
    Tell whether a page answers 200.
    """
    try:
        return httpx.get(server.base_url + path, trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False
