"""
`POST /api/debug/event`: what would be stored, which address was believed and why; nothing is kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.collect import Collector
from ingest.enrich import SiteRules
from ingest.explain import explain
from ingest.shields import compile_shields
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, BEACON, CHROME, drops_of, make_collector

LOOPBACK = "127.0.0.1"


def ask(
    collector: Collector,
    body: Any = BEACON,
    headers: dict[str, str] | None = None,
    *,
    peer: str = LOOPBACK,
    only_site: int | None = None,
) -> dict[str, Any]:
    named = {"user_agent": CHROME, "x_forwarded_for": ADDRESS, **(headers or {})}
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]
    answer = explain(collector, json.dumps(body).encode(), sent, peer, only_site)
    return {"status": answer.status, **json.loads(answer.body)}


@pytest.fixture
def collector(tmp_path: Path, clock: FakeClock) -> Collector:
    return make_collector(tmp_path, clock)


def test_event_is_shown_and_not_kept(collector: Collector) -> None:
    """
    The answer has the event as it would be written, without whom it was, and nothing is counted.
    """
    told = ask(collector, {**BEACON, "u": "https://site1.test/anna@b.se", "r": "https://duckduckgo.com/x", "v": 7})
    (site,) = told["sites"]

    assert (200, False, None, ["email"]) == (told["status"], told["stored"], site["dropped"], site["replaced"])
    assert ("/[email]", "DuckDuckGo", "Organic Search", "Chrome") == tuple(
        site["event"][name] for name in ("pathname", "source", "channel", "browser")
    )
    assert not {"visitor_id", "visit_seed"} & set(site["event"])
    assert 7 == told["request"]["tracker_script_version"]
    assert ({}, 0, []) == (collector.counters.dropped, collector.counters.beacon_bytes, drops_of(collector))
    assert {} == collector.counters.scrubbed


@pytest.mark.parametrize(
    ("peer", "headers", "used", "why"),
    [
        (LOOPBACK, {}, ADDRESS, "x-forwarded-for, sent by a trusted proxy"),
        ("198.51.100.9", {}, "198.51.100.9", "no trusted proxy"),
        (LOOPBACK, {"x_forwarded_for": "127.0.0.1"}, LOOPBACK, "names only trusted proxies"),
        (LOOPBACK, {"x_forwarded_for": "junk"}, LOOPBACK, "what is no address"),
        (LOOPBACK, {"x_forwarded_for": "", "cf_connecting_ip": ADDRESS}, LOOPBACK, "sent no header of"),
        (LOOPBACK, {"x_forwarded_for": "", "forwarded": f"for={ADDRESS}"}, ADDRESS, "forwarded, sent by"),
    ],
)
def test_address_and_why(collector: Collector, peer: str, headers: dict[str, str], used: str, why: str) -> None:
    """
    The answer says which address is used, and what made it so.
    """
    address = ask(collector, headers=headers, peer=peer)["address"]

    assert (used, peer) == (address["used"], address["peer"])
    assert why in address["why"]


def test_drops_are_told_per_site(tmp_path: Path, clock: FakeClock) -> None:
    """
    Every site of the beacon has its own answer; a site the key is not for is as unknown as none.
    """
    one = SiteRules(id=1, domain="site1.test")
    two = SiteRules(id=2, domain="site2.test", shields=compile_shields(ip=["203.0.113.0/24"]))
    collector = make_collector(tmp_path, clock, one, two)
    body = {**BEACON, "d": "site1.test,site2.test,nosuch.test"}

    assert [None, "ip_blocked", "unknown_site"] == [site["dropped"] for site in ask(collector, body)["sites"]]
    assert ["unknown_site", "ip_blocked", "unknown_site"] == [
        site["dropped"] for site in ask(collector, body, only_site=2)["sites"]
    ]


def test_signal_and_bot(collector: Collector) -> None:
    """
    GPC leaves the page and hour; a robot is dropped.
    """
    (counted,) = ask(collector, headers={"sec_gpc": "1"})["sites"]
    (robot,) = ask(collector, headers={"user_agent": "curl/8.5.0"})["sites"]

    assert ("/a", "", "") == tuple(counted["event"][name] for name in ("pathname", "browser", "source"))
    assert 0 == counted["event"]["ts"] % 3600
    assert ("bot", None) == (robot["dropped"], robot["event"])


def test_what_is_no_beacon_is_refused_as_a_beacon_is(collector: Collector, tmp_path: Path, clock: FakeClock) -> None:
    """
    Bad bodies get the answers a beacon gets.
    """
    assert 413 == explain(collector, b"x" * 70_000, (), LOOPBACK, None).status
    assert (
        415 == explain(collector, json.dumps(BEACON).encode(), ((b"content-encoding", b"gzip"),), LOOPBACK, None).status
    )
    assert {"url": ["is required"]} == ask(collector, {"n": "pageview", "d": "site1.test"})["errors"]
    assert 503 == ask(make_collector(tmp_path / "b", clock, salts=False))["status"]
