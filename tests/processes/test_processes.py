"""
The real server and real crashes: nothing accepted is lost or counted twice, and nothing stops collecting.
"""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.files import files_of
from tests.ingest.collectors import CHROME
from tests.processes.family import children_of, kill, until
from tests.processes.load import DOMAIN, CountedSender, ask, await_stored
from tests.server import Server, free_port, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

ROLES = ("store", "collector")
STANDING_STILL_SHARE = 1 / 3


def command(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """
    Run `daysalt` on the data directory of `tmp_path`.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    return subprocess.run(
        [sys.executable, "-m", "daysalt", *arguments],
        env={**clean, "DAYSALT_DATA_DIR": str(tmp_path / "data"), "DAYSALT_FETCH_LISTS": "0", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def add_site(tmp_path: Path) -> None:
    assert 0 == command(tmp_path, "site", "add", DOMAIN).returncode


def send(server: Server, page: str) -> httpx.Response:
    return httpx.post(
        f"{server.base_url}/api/event",
        content=json.dumps({"n": "pageview", "d": DOMAIN, "u": f"https://{DOMAIN}{page}"}),
        headers={"User-Agent": CHROME},
        timeout=10,
        trust_env=False,
    )


def test_stop_and_start_lose_nothing(tmp_path: Path) -> None:
    """
    SIGTERM flushes and exits 0 in time; a visit goes on after the start, under the same salt.
    """
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        assert "x-plausible-dropped" not in send(server, "/before").headers
        started = time.monotonic()
        assert 0 == server.stop()
        assert time.monotonic() - started < 15
    with run_server(tmp_path) as server:
        assert 202 == send(server, "/after").status_code
        assert {"/before": 1, "/after": 1} == await_stored(server, ["/before", "/after"])
        answer = ask(server, {"site_id": DOMAIN, "metrics": ["visitors", "visits", "pageviews"], "date_range": "all"})

    assert [1, 1, 2] == answer.json()["results"][0]["metrics"]


def test_killed_store_comes_back_and_no_beacon_is_refused(tmp_path: Path) -> None:
    """
    While the store is dead every beacon is accepted; it is back by itself and has them all, once.
    """
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        (store,) = children_of(server.process.pid, "store")
        with CountedSender(server) as sender:
            until(lambda: len(sender.accepted) > 50, "no beacon was accepted")
            kill(store)
            before = len(sender.accepted)
            until(lambda: children_of(server.process.pid, "store") not in ([], [store]), "the store did not come back")
            until(lambda: len(sender.accepted) > before + 50, "beacons were not accepted")
        stored = await_stored(server, sender.accepted)

    assert ({}, 0) == (dict(sender.refused), sender.broken)
    assert dict.fromkeys(sender.accepted, 1) == stored


def test_killed_collector_comes_back(tmp_path: Path) -> None:
    """
    A dead collector costs at most what it had not answered; the port never closes.
    """
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        with CountedSender(server) as sender:
            until(lambda: len(sender.accepted) > 50, "no beacon was accepted")
            for pid in children_of(server.process.pid, "collector"):
                kill(pid)
            before = len(sender.accepted)
            until(lambda: len(sender.accepted) > before + 50, "beacons were not accepted")
        stored = await_stored(server, sender.accepted)

    assert {1} == set(stored.values())
    assert set(sender.accepted) <= stored.keys()


def crash_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    """
    Kill processes at random under load, `rounds` times, and compare what was answered with what is stored. Every other
    round has several collectors; in one of three the store stands still while the rest dies.
    """
    rng = random.Random(seed)
    add_site(tmp_path)
    accepted: list[str] = []
    for number in range(1, rounds + 1):
        with run_server(tmp_path, parts=(), workers=str(1 + number % 2 * 2)) as server:
            # A host for each round: a site's paths beyond 50,000 a day are counted under one name.
            with CountedSender(server, host=f"round{number}.{DOMAIN}") as sender:
                until(lambda sender=sender: len(sender.accepted) > 20, "no beacon was accepted")
                frozen = children_of(server.process.pid, "store") if rng.random() < STANDING_STILL_SHARE else []
                for pid in frozen:
                    os.kill(pid, signal.SIGSTOP)
                time.sleep(rng.uniform(0, 0.8))
                victims = rng.choice(("store", "collector", "both", "one", "all"))
                family = [*frozen, *(pid for role in ROLES for pid in children_of(server.process.pid, role))]
                for role in ROLES:
                    if victims in (role, "both", "all"):
                        for pid in children_of(server.process.pid, role):
                            kill(pid)
                if victims == "one":
                    kill(rng.choice(children_of(server.process.pid, "collector")))
                if victims != "all":
                    time.sleep(rng.uniform(0, 0.5))
                    family += [pid for role in ROLES for pid in children_of(server.process.pid, role)]
                kill(server.process.pid)
                for pid in frozen:
                    kill(pid)  # it cannot see that its keeper is gone
            accepted += sender.accepted
            until(lambda pids=family: not any(Path(f"/proc/{pid}").exists() for pid in pids), "a child stayed")
        print(f"  round {number} of {rounds}: {len(accepted):,} beacons accepted so far", flush=True)
    with run_server(tmp_path) as server:
        stored = await_stored(server, accepted, by_host=True)

    assert 20 * rounds < len(accepted)
    assert [] == sorted(set(accepted) - stored.keys())
    assert {1} == set(stored.values())


def test_kill_anything_at_any_time(tmp_path: Path) -> None:
    """
    Five random crashes, keeper included: accepted minus stored is 0, stored twice is 0.
    """
    crash_rounds(tmp_path, rounds=5, seed=20_261_122)


@pytest.mark.crash
@pytest.mark.timeout(3600)
def test_kill_anything_fifty_times(tmp_path: Path) -> None:
    """
    The long form of the same.
    """
    crash_rounds(tmp_path, rounds=50, seed=1)


def test_second_server_is_told_why(tmp_path: Path) -> None:
    """
    A data directory in use and a busy port are each one sentence and exit code 1.
    """
    with run_server(tmp_path) as server:
        same = command(tmp_path, "serve", "--port", str(free_port()))
        other = command(tmp_path / "other", "serve", "--port", server.base_url.rpartition(":")[2])

    assert (1, 1) == (same.returncode, other.returncode)
    assert "in use" in same.stderr
    assert "cannot be opened" in other.stderr
    assert (1, 1) == (len(same.stderr.strip().splitlines()), len(other.stderr.strip().splitlines()))
    assert "Traceback" not in same.stderr + other.stderr


def test_admin_key_goes_with_its_setting(tmp_path: Path) -> None:
    """
    A start without DAYSALT_ADMIN_KEY makes the key of the last one useless.
    """
    # A server that cannot have its port has come far enough.
    foreign = {"DAYSALT_HOST": "192.0.2.1"}
    command(tmp_path, "serve", **foreign, DAYSALT_ADMIN_KEY="an-admin-key-of-this-test")
    before = json.loads(command(tmp_path, "key", "list", "--json").stdout)
    command(tmp_path, "serve", **foreign)
    after = json.loads(command(tmp_path, "key", "list", "--json").stdout)

    assert (["admin"], []) == ([key["id"] for key in before], after)


def test_unknown_setting_stops_the_start(tmp_path: Path) -> None:
    """
    A setting nobody knows is named, and nothing is made.
    """
    outcome = command(tmp_path, "serve", DAYSALT_SALT_DAYS="2")

    assert 2 == outcome.returncode
    assert "DAYSALT_SALT_DAYS" in outcome.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["DAYSALT_GEO_DB", "DAYSALT_NETWORK_DB"])
def test_named_database_that_is_none_stops_the_start(tmp_path: Path, name: str) -> None:
    """
    A database that a setting names and that is missing, or is something else, is named before anything is made.
    """
    (tmp_path / "countries.mmdb").write_text("x")
    outcomes = [command(tmp_path, "serve", **{name: str(tmp_path / file)}) for file in ("gone.mmdb", "countries.mmdb")]

    assert [2, 2] == [outcome.returncode for outcome in outcomes]
    for outcome in outcomes:
        assert 1 == len(outcome.stderr.strip().splitlines())
        assert f"{name} is '{tmp_path}" in outcome.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere; the next test covers what root can meet")
def test_read_only_data_directory(tmp_path: Path) -> None:
    """
    A directory that cannot be written is one sentence.
    """
    (tmp_path / "data").mkdir(mode=0o500)
    outcome = command(tmp_path, "serve")

    assert (1, 1) == (outcome.returncode, len(outcome.stderr.strip().splitlines()))


def test_data_directory_that_is_a_file(tmp_path: Path) -> None:
    """
    A file where the directory should be is one sentence.
    """
    (tmp_path / "data").write_text("x")
    outcome = command(tmp_path, "serve")

    assert (1, 1) == (outcome.returncode, len(outcome.stderr.strip().splitlines()))
    assert "not a directory" in outcome.stderr


def test_files_and_sockets_are_private(tmp_path: Path) -> None:
    """
    Nobody else may read what a running server keeps, and the keys lie beside the data, not in it.
    """
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        send(server, "/")
        until(lambda: any((server.data_dir / "spool" / "events").iterdir()), "nothing was spooled")
        modes = {
            path: stat.S_IMODE(path.lstat().st_mode)
            for path in [server.data_dir, *server.data_dir.iterdir(), *(tmp_path / "data-keys").iterdir()]
            if not path.name.endswith((".TAG", ".log"))
        }
        # The key that signs proofs opens nothing, and goes into backups with them.
        inside = [path.relative_to(server.data_dir) for path in files_of(server.data_dir)]
        found = [path for path in inside if "key" in str(path) and path.parent.name != "proofs"]

    assert {} == {path: oct(mode) for path, mode in modes.items() if mode & 0o077}
    assert [] == found


def test_logs_name_no_visitor(tmp_path: Path) -> None:
    """
    At debug level, with good and bad beacons, no line has an address, a user agent or a page.
    """
    add_site(tmp_path)
    with run_server(tmp_path, log_level="debug") as server:
        send(server, "/very-secret-page")
        for body in ("{", json.dumps({"n": "pageview", "d": DOMAIN, "u": 7})):
            httpx.post(
                f"{server.base_url}/api/event",
                content=body,
                headers={"X-Forwarded-For": "203.0.113.77"},
                trust_env=False,
            )
        await_stored(server, ["/very-secret-page"])
        server.stop()
        said = server.said()

    assert "serving" in said
    for needle in ("203.0.113.77", "AppleWebKit", "very-secret-page", server.admin_key):
        assert needle not in said
