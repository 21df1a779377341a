"""
The vault on a real server: what beacons leave in it, how it is asked, and what it survives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.attacks.scan import traces
from tests.ingest.collectors import CHROME
from tests.processes.family import children_of, kill, until
from tests.server import Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

V4, OTHER, V6 = "203.0.113.77", "198.51.100.9", "2001:db8:aaaa:bbbb::1234"
ASK = ("--purpose", "fraud_risk", "--ticket", "FRAUD-17")


def command(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    return subprocess.run(
        [sys.executable, "-m", "daysalt", *arguments, "--data-dir", str(tmp_path / "data")],
        env={**environment, "DAYSALT_FETCH_LISTS": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def add_site(server: Server, tmp_path: Path, domain: str, *options: str) -> None:
    added = command(tmp_path, "site", "add", domain, *options)
    assert 0 == added.returncode, added.stderr
    server.await_site(domain)


def send(server: Server, domain: str, address: str, headers: Mapping[str, str] | None = None, count: int = 1) -> None:
    with httpx.Client(trust_env=False) as client:
        for number in range(count):
            answer = client.post(
                f"{server.base_url}/api/event",
                json={"n": "pageview", "d": domain, "u": f"https://{domain}/p{number}"},
                headers={"user-agent": CHROME, "x-forwarded-for": address, **(headers or {})},
            )
            assert 202 == answer.status_code


def hits(tmp_path: Path, address: str) -> int:
    found = command(tmp_path, "vault", "lookup", address, *ASK, "--json")
    assert found.returncode in (0, 1), found.stderr
    return sum(day["hits"] for day in json.loads(found.stdout)["days"])


def test_an_address_is_found_by_who_may_ask(tmp_path: Path) -> None:
    """
    Every valid hit of a site with a vault, dropped ones too; none under GPC or DNT, of preset cnil or an unknown site;
    found beside the server and without one, and in no file.
    """
    with run_server(tmp_path) as server:
        add_site(server, tmp_path, "site1.test")
        add_site(server, tmp_path, "site2.test", "--preset", "cnil")
        send(server, "site1.test", V4, count=5)
        send(server, "site1.test", V4, {"user-agent": "curl/8.0 (bot)"}, count=2)
        send(server, "site1.test", V6)
        for signal in ("sec-gpc", "dnt"):
            send(server, "site1.test", OTHER, {signal: "1"})
        send(server, "site2.test", OTHER)
        send(server, "nobody.test", OTHER)
        until(lambda: server.metric("daysalt_vault_hits_total") >= 8, "the eight hits are not on their way")
        until(lambda: hits(tmp_path, V4) == 7, "the seven hits are not in the vault")
        line = command(tmp_path, "vault", "lookup", V4, *ASK)
        nothing = command(tmp_path, "vault", "lookup", OTHER, *ASK)
        wrong = command(tmp_path, "vault", "lookup", V4, "--purpose", "curiosity", "--ticket", "T-1")
        metrics = httpx.get(f"{server.base_url}/metrics", trust_env=False).text
        ready = httpx.get(f"{server.base_url}/health/ready", trust_env=False).json()
        requests = command(tmp_path, "vault", "requests", "--json")
        assert 0 == server.stop()
    alone = command(tmp_path, "vault", "lookup", V6, *ASK)
    verified = command(tmp_path, "audit", "verify", "--json")

    day, hours, seen = line.stdout.strip().split("\t")
    assert (0, "7") == (line.returncode, seen)
    assert (10, True) == (len(day), all(0 <= int(hour) < 24 for hour in hours.split(",")))
    assert "Break-glass" in line.stderr
    assert (1, "not found\n") == (nothing.returncode, nothing.stdout)
    assert (1, True) == (wrong.returncode, "is no purpose" in wrong.stderr)
    assert "daysalt_vault_oldest_days 0.0" in metrics
    assert "ok" == ready["parts"]["vault"]["status"]
    assert [] == json.loads(requests.stdout)
    assert (0, 1) == (alone.returncode, len(alone.stdout.splitlines())), alone.stderr
    assert json.loads(verified.stdout)["valid"]
    assert [] == traces(tmp_path / "data", [V4, OTHER, V6])
    assert "break-glass" in server.said()
    assert not any(address in server.said() for address in (V4, OTHER, V6))


def test_hits_are_exact_across_deaths(tmp_path: Path) -> None:
    """
    With the store killed in between every hit is counted once; with the collector killed at most two seconds are lost,
    and none twice.
    """
    with run_server(tmp_path) as server:
        add_site(server, tmp_path, "site1.test")
        send(server, "site1.test", V4, count=20)
        until(lambda: server.metric("daysalt_vault_hits_total") >= 20, "the first hits are not on their way")
        until(lambda: hits(tmp_path, V4) == 20, "the first hits are not in the vault")
        for _ in range(3):
            send(server, "site1.test", V4, count=20)
            for pid in children_of(server.process.pid, "store"):
                kill(pid)
        until(lambda: server.metric("daysalt_vault_hits_total") >= 80, "not every hit is on its way")
        until(lambda: _hits_or_none(tmp_path) == 80, "not every hit is in the vault once")
        send(server, "site1.test", V4, count=20)
        for pid in children_of(server.process.pid, "collector"):
            kill(pid)
        server.await_site("site1.test")
        send(server, "site1.test", OTHER)
        until(lambda: hits(tmp_path, OTHER) == 1, "the vault did not go on")
        last = hits(tmp_path, V4)

    assert 80 <= last <= 100


def test_switched_off_it_keeps_nothing(tmp_path: Path) -> None:
    """
    With DAYSALT_IP_RETENTION_DAYS=0 there is no key, no row and no lane, and the server is well.
    """
    with run_server(tmp_path, ip_retention_days="0") as server:
        add_site(server, tmp_path, "site1.test")
        send(server, "site1.test", V4, count=3)
        found = command(tmp_path, "vault", "lookup", V4, *ASK)
        ready = httpx.get(f"{server.base_url}/health/ready", trust_env=False).json()
    keyring = (tmp_path / "data-keys" / "keyring.json").read_text()

    assert (1, "not found\n") == (found.returncode, found.stdout)
    assert "ok" == ready["parts"]["vault"]["status"]
    assert '"vault"' not in keyring
    assert [] == list((tmp_path / "data" / "spool" / "vault").iterdir())


def _hits_or_none(tmp_path: Path) -> int | None:
    found = command(tmp_path, "vault", "lookup", V4, *ASK, "--json")
    return sum(day["hits"] for day in json.loads(found.stdout)["days"]) if found.returncode == 0 else None
