"""
Batches and pixels through the real server: ids over restarts, late events, and what owners are told.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.ingest.collectors import CHROME
from tests.processes.family import until
from tests.processes.load import DOMAIN, ask, await_stored
from tests.processes.test_processes import add_site, command
from tests.server import Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

KEY_SECONDS_MAX = 5
"""From the contract, section 2."""


def event(page: str, **fields: Any) -> dict[str, Any]:
    page = f"https://{DOMAIN}{page}"
    return {"n": "pageview", "d": DOMAIN, "u": page, "ip": "203.0.113.9", "user_agent": CHROME, **fields}


def post(server: Server, events: list[dict[str, Any]], key: str) -> httpx.Response:
    return httpx.post(
        f"{server.base_url}/api/events",
        json=events,
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
        trust_env=False,
    )


def key_for(tmp_path: Path, *arguments: str) -> str:
    """
    Make a key for batches on the command line.
    """
    made = command(tmp_path, "key", "add", "--scope", "ingest", *arguments, "--json")
    assert 0 == made.returncode, made.stderr
    return str(json.loads(made.stdout)["key"])


def dropped(server: Server, **days: str) -> dict[str, int]:
    """
    Ask what a site's owner is told of drops.
    """
    answer = httpx.get(
        f"{server.base_url}/api/v1/sites/{DOMAIN}/dropped",
        params=days,
        headers={"Authorization": f"Bearer {server.admin_key}"},
        timeout=20,
        trust_env=False,
    )
    assert answer.is_success, answer.text
    return dict(answer.json()["totals"])


def test_ids_count_once_over_a_restart(tmp_path: Path) -> None:
    """
    Sent again at once and after a restart, the same ids are accepted and counted once; the owner sees `duplicate`.
    """
    add_site(tmp_path)
    key = key_for(tmp_path, "--site", DOMAIN)
    pages = [f"/order/{number}" for number in range(20)]
    events = [event(page, event_id=f"order-{page}") for page in pages]
    with run_server(tmp_path) as server:
        answers = [post(server, events, key).json() for _ in range(2)]
        await_stored(server, pages)
        assert 0 == server.stop()
    with run_server(tmp_path) as server:
        answers.append(post(server, [*events, event("/last", event_id="last")], key).json())
        stored = await_stored(server, ["/last"])
        until(lambda: dropped(server).get("duplicate") == 40, "the repeats were not reported")

    assert [20, 20, 21] == [answer["accepted"] for answer in answers]
    assert [[], [], []] == [answer["dropped"] for answer in answers]
    assert dict.fromkeys([*pages, "/last"], 1) == stored
    assert not any(b"order-/order" in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())


def test_late_events_make_one_visit(tmp_path: Path) -> None:
    """
    Events of a day that is over are one visit of one visitor on that day, and the same again in another request.
    """
    # A time zone whose day began a short while ago, so that 24 hours back reach well into its yesterday.
    now = datetime.now(UTC)
    zone = next(
        name
        for name in (f"Etc/GMT{offset:+d}" for offset in range(-14, 13))
        if 2 <= now.astimezone(ZoneInfo(name)).hour <= 21
    )
    assert 0 == command(tmp_path, "site", "add", DOMAIN, "--timezone", zone).returncode
    key = key_for(tmp_path)
    midnight = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = (midnight - timedelta(days=1)).date().isoformat()
    times = [midnight - timedelta(minutes=minutes) for minutes in (35, 20, 5)]
    late = [event(f"/late/{number}", timestamp=at.isoformat()) for number, at in enumerate(times)]
    old = event("/old", timestamp=int((now - timedelta(hours=25)).timestamp() * 1000))
    query = {"site_id": DOMAIN, "metrics": ["visitors", "visits", "pageviews"], "date_range": [yesterday, yesterday]}
    with run_server(tmp_path) as server:
        first = post(server, [*late, old], key).json()
        await_stored(server, ["/late/0", "/late/1", "/late/2"])
        once = ask(server, query).json()["results"][0]["metrics"]
        second = post(server, late[:1], key).json()
        until(lambda: ask(server, query).json()["results"][0]["metrics"][2] == 4, "the second request was not stored")
        twice = ask(server, query).json()["results"][0]["metrics"]
        until(lambda: dropped(server).get("timestamp") == 1, "the old event was not reported")

    assert {"accepted": 3, "dropped": [{"index": 3, "reason": "timestamp"}]} == first
    assert {"accepted": 1, "dropped": []} == second
    assert ([1, 1, 3], [2, 2, 4]) == (once, twice)


def test_owners_see_why(tmp_path: Path) -> None:
    """
    Bots, bad events and signals of batches and pixels are in the answer and among the site's dropped events.
    """
    add_site(tmp_path)
    key = key_for(tmp_path, "--site", DOMAIN)
    with run_server(tmp_path) as server:
        told = post(
            server,
            [
                event("/good"),
                event("/bot", user_agent="Googlebot/2.1"),
                event("/bad", n=""),
                event("/x", n="Buy", gpc=True),
            ],
            key,
        ).json()
        pixel = httpx.get(
            f"{server.base_url}/pixel.gif",
            params={"d": DOMAIN, "u": f"https://{DOMAIN}/pixel"},
            headers={"User-Agent": CHROME},
            trust_env=False,
        )
        bot = httpx.get(
            f"{server.base_url}/pixel.gif?d={DOMAIN}", headers={"Referer": f"https://{DOMAIN}/"}, trust_env=False
        )
        stored = await_stored(server, ["/good", "/pixel"])
        expected = {"bot": 1 + ("x-daysalt-dropped" in bot.headers), "invalid": 1, "signal": 1}
        until(lambda: dropped(server) == expected, "the drops were not reported")
        until(lambda: command(tmp_path, "key", "revoke", key.split("_")[1]).returncode == 0, "the key was not revoked")
        ends = time.monotonic() + KEY_SECONDS_MAX
        while post(server, [event("/late")], key).status_code != 401:
            assert time.monotonic() < ends, "a revoked key was believed for too long"

    assert (1, ["bot", "invalid", "signal"]) == (told["accepted"], [drop["reason"] for drop in told["dropped"]])
    assert (200, 43, "image/gif") == (pixel.status_code, len(pixel.content), pixel.headers["content-type"])
    assert (200, 43) == (bot.status_code, len(bot.content))
    assert {"/good": 1, "/pixel": 1} == {page: stored[page] for page in ("/good", "/pixel")}
