"""
Commands on a data directory that a running server has.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.server

READY_SECONDS_MAX = 60


class Server:
    """
    A running server and the commands beside it.
    """

    def __init__(self, data_dir: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.program = Path(sys.executable).with_name("daysalt")
        self.environment = {
            "PATH": os.environ["PATH"],
            "DAYSALT_DATA_DIR": str(data_dir),
            "DAYSALT_PORT": str(port),
            "DAYSALT_FETCH_LISTS": "0",
        }
        self.directory = data_dir.parent
        self._log = (self.directory / "log").open("wb")
        self._process = subprocess.Popen(
            [self.program, "serve"], env=self.environment, cwd=self.directory, stdout=self._log, stderr=self._log
        )
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._ready(port, data_dir):
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.1)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """
        Run a command on the server's data directory.
        """
        line = [self.program, *arguments]
        return subprocess.run(line, env=self.environment, cwd=self.directory, capture_output=True, text=True)

    def stop(self) -> int:
        """
        Stop the server as a service manager does.
        """
        self._process.terminate()
        self._log.close()
        return self._process.wait(timeout=30)

    def _ready(self, port: int, data_dir: Path) -> bool:
        try:
            live = httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False).is_success
        except httpx.HTTPError:
            return False
        return live and (data_dir / "store.sock").exists()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data")
    yield running
    assert 0 == running.stop()


def test_commands_work_beside_a_running_server(server: Server, tmp_path: Path) -> None:
    """Sites, rows, backups and checks go through the running store; what needs the directory alone says so."""
    assert 0 == server.run("site", "add", "a.example").returncode
    seeded = server.run("seed", "a.example", "--days", "2", "--events-per-day", "50", "--json")
    assert 0 == seeded.returncode, seeded.stderr
    migrated = json.loads(server.run("migrate", "--json").stdout)
    backup = server.run("backup", "--out", str(tmp_path / "backup.tar.gz"), "--json")
    refused = server.run("restore", str(tmp_path / "backup.tar.gz"))
    checks = {check["name"]: check for check in json.loads(server.run("doctor", "--json").stdout)}
    removed = json.loads(server.run("site", "remove", "a.example", "--yes", "--json").stdout)
    second = server.run("serve")

    assert {"done"} == {row["state"] for row in migrated}
    rows = json.loads(backup.stdout)["rows"]
    assert rows["events"] > 0
    assert sum(rows.values()) <= removed["removed_rows"]
    assert (1, True) == (refused.returncode, "a server runs on" in refused.stderr)
    assert "well" == checks["warehouse"]["state"]
    # Without a country list the server calls itself degraded, and the doctor repeats why.
    assert "run `daysalt data fetch`" in checks["server"]["finding"]
    assert (1, True) == (second.returncode, "is in use by another Daysalt process" in second.stderr)
