"""
Cases 33 to 37: floods of what is new each time (sites, pages, props), times that cannot be, and the same thing again.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import pkgutil
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import httpx
import msgspec
import pytest

import ingest
from ingest.agent import read_agent
from ingest.decode import PROPS_MAX
from ingest.event import Event
from ingest.flush import insert_batch
from ingest.shields import compile_shields
from ingest.visits import Sessionizer
from tests.attacks.wire import ask_raw, beacon, post, resident_kib, status
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, CHROME, SITE, drops_of, events_of, make_collector, send
from tests.ingest.records import event
from tests.processes.load import ask, await_stored
from tests.server import Server
from warehouse.client import Warehouse

HEADERS = [(b"user-agent", CHROME.encode())]


class Cache(Protocol):
    """
    What `lru_cache` makes; its class has no public name.
    """

    def cache_info(self) -> Any: ...
    def cache_clear(self) -> None: ...


_CACHE = type(functools.lru_cache(1)(lambda: None))


def caches() -> dict[str, Cache]:
    """
    Find every cache of the collector's modules.
    """
    found: dict[str, Cache] = {}
    for module in pkgutil.walk_packages(ingest.__path__, "ingest."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, _CACHE):  # there is no other name for it
                found[f"{value.__module__}.{name}"] = value
    return found


def growth(step: Iterator[None]) -> int:
    """
    Tell how many bytes are held after all steps, beyond what was held after the first thousand.
    """
    for _ in range(1000):
        next(step)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in step:
            pass
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_unknown_sites_leave_nothing_behind(tmp_path: Path, clock: FakeClock) -> None:
    """
    Case 33: tens of thousands of unknown sites get one answer, byte for byte, and are not remembered.
    """
    collector = make_collector(tmp_path, clock)
    answers: set[object] = set()

    def flood() -> Iterator[None]:
        for number in range(20_000):
            body = b'{"n":"pageview","d":"unknown-%d.test","u":"https://unknown-%d.test/%d"}' % (number, number, number)
            collected = collector.collect(body, HEADERS, ADDRESS)
            assert not collected.records
            answers.add(collected.answer)
            yield

    # The cache of site names that decode keeps is full after its 10,000; the rest would be a leak.
    assert growth(flood()) < 4 * 1024**2
    assert 1 == len(answers)
    assert [] == drops_of(collector)
    assert {"unknown_site": 20_000} == collector.counters.dropped


def test_control_a_memory_of_refused_sites_grows() -> None:
    """
    A double with a cache of refusals without a limit is seen growing by the same measure.
    """
    refused: dict[str, str] = {}

    def flood() -> Iterator[None]:
        for number in range(20_000):
            refused[f"unknown-{number}.test"] = f"https://unknown-{number}.test/{number}" * 4
            yield

    assert growth(flood()) > 4 * 1024**2


@pytest.mark.server
def test_no_figure_names_a_site(server: Server) -> None:
    """
    Case 33: neither known nor unknown sites become labels, and a flood of them adds no line to `/metrics`.
    """
    before = metric_names(server)
    for number in range(300):
        assert 202 == status(ask_raw(server, post(beacon(d=f"flood-{number}.test"))))
    text = httpx.get(f"{server.base_url}/metrics", trust_env=False).text

    assert ".test" not in text
    assert metric_names(server) - before <= {'daysalt_events_dropped_total{reason="unknown_site"}'}


def metric_names(server: Server) -> set[str]:
    text = httpx.get(f"{server.base_url}/metrics", trust_env=False).text
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def test_every_cache_has_a_limit() -> None:
    """
    Case 34: no cache of the collector is without a maximum.
    """
    found = caches()

    assert len(found) > 5
    assert {} == {name: None for name, cache in found.items() if cache.cache_info().maxsize is None}


def test_cache_keys_are_short(tmp_path: Path, clock: FakeClock) -> None:
    """
    Case 34: a user agent as long as a header may be is remembered by its first 512 characters: 20,000 of them that
    differ only behind that are one.
    """
    collector = make_collector(tmp_path, clock)
    read_agent.cache_clear()
    for number in range(50):
        collector.collect(beacon(), [(b"user-agent", CHROME.encode() + b" " * 600 + b"%d" % number)], ADDRESS)

    assert 1 == read_agent.cache_info().currsize


def test_new_everything_in_each_beacon_is_bounded(tmp_path: Path, clock: FakeClock) -> None:
    """
    Case 34: with page, referrer, campaign, event, prop and user agent new in each beacon, memory stops growing once
    the caches are full.
    """
    collector = make_collector(tmp_path, clock)
    for cache in caches().values():
        cache.cache_clear()

    def flood(first: int, count: int) -> None:
        for number in range(first, first + count):
            body = beacon(
                f"/p{number}?utm_source=s{number}&utm_campaign=c{number}",
                n=f"event {number}",
                r=f"https://r{number}.test/{number}",
                p={f"key{number}": f"value{number}"},
            )
            collected = collector.collect(body, [(b"user-agent", b"agent/%d" % number)], f"2001:db8::{number:x}"[:39])
            assert 202 == collected.answer.status

    flood(0, 22_000)
    full = {name: cache.cache_info() for name, cache in caches().items()}
    before = resident_kib_of_self()
    flood(22_000, 11_000)

    assert {"ingest.agent.read_agent", "ingest.origin.read_referrer", "ingest.page.read_page"} <= {
        name for name, info in full.items() if info.currsize == info.maxsize
    }
    assert resident_kib_of_self() - before < 16 * 1024


def resident_kib_of_self() -> int:
    gc.collect()
    return resident_kib(os.getpid())


def test_ten_thousand_prop_keys_make_no_column(warehouse: Warehouse, tmp_path: Path, clock: FakeClock) -> None:
    """
    Case 35: whatever the keys are called, an event keeps at most 30, and the tables keep their columns.
    """
    columns = warehouse.query("SELECT table, name FROM system.columns WHERE database = currentDatabase() ORDER BY 1, 2")
    collector = make_collector(tmp_path, clock)
    odd = {"__proto__": "x", "constructor": "y", "a.b.c": "z", "'; DROP TABLE events; --": "q", "{x:String}": "w"}
    events = events_of(send(collector, {"n": "a", "d": "site1.test", "u": "https://site1.test/", "p": odd}))
    for number in range(40):
        props = {f"key {number}-{key}": "v" for key in range(300)}
        events += events_of(send(collector, {"n": "a", "d": "site1.test", "u": "https://site1.test/", "p": props}))
    insert_batch(warehouse, 1, Sessionizer().process(list(events), 1))
    stored = warehouse.query("SELECT max(length(mapKeys(props))), count() FROM events")

    assert [(PROPS_MAX, 41)] == stored
    assert odd.keys() == events[0].props.keys()
    assert columns == warehouse.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() ORDER BY 1, 2"
    )


def test_cardinality_bomb_in_the_store(warehouse: Warehouse) -> None:
    """
    Case 34: 30,000 rows with every open value new each time are stored and asked for in bounded time and space.
    """
    rows = [
        event(number % 80_000, visitor=number + 1, path=f"/bomb/{number}", name=f"event {number}", source=f"s{number}")
        for number in range(30_000)
    ]
    began = time.monotonic()
    insert_batch(warehouse, 1, Sessionizer().process(list(rows), 1))
    warehouse.command("OPTIMIZE TABLE events FINAL")
    found = warehouse.query("SELECT uniqExact(pathname), uniqExact(name), uniqExact(source) FROM events")

    assert [(30_000, 30_000, 30_000)] == found
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("sent", ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", 0, -1, 4_102_444_800_000, 1e18, "x"])
@pytest.mark.parametrize("key", ["timestamp", "ts", "t", "time"])
def test_a_beacon_cannot_choose_its_time(tmp_path: Path, clock: FakeClock, sent: object, key: str) -> None:
    """
    Case 36: whatever time a beacon claims, the server's counts, and the day is today's.
    """
    collected = send(
        make_collector(tmp_path, clock), {"n": "pageview", "d": "site1.test", "u": "https://site1.test/", key: sent}
    )
    (found,) = events_of(collected)

    assert (clock.now_ms() // 1000, clock.now_ms() // 86_400_000) == (found.ts, found.day)


@pytest.mark.parametrize("engaged", [-1, -(10**18), 10**18, 2**63, "-5", 1.5, None, "NaN"])
def test_impossible_durations_are_unknown(tmp_path: Path, clock: FakeClock, engaged: object) -> None:
    """
    Case 36: negative and endless engagement reads as unknown.
    """
    body = {"n": "engagement", "d": "site1.test", "u": "https://site1.test/", "sd": 10, "e": engaged}
    (found,) = events_of(send(make_collector(tmp_path, clock), body))

    assert 0 == found.engagement_ms


def test_control_a_believed_time_would_open_a_partition(warehouse: Warehouse) -> None:
    """
    A double that believes 1970 and 2100 stores rows of those days: the store itself would not stop it.
    """
    far = [event(visitor=1), replace_day(event(visitor=2), 0), replace_day(event(visitor=3), 47_482)]
    insert_batch(warehouse, 1, Sessionizer().process(list(far), 1))

    assert 3 == warehouse.query("SELECT uniqExact(day) FROM events")[0][0]


def replace_day(record: Event, day: int) -> Event:
    return msgspec.structs.replace(record, day=day, ts=max(1, day * 86_400), received_day=day)


@pytest.mark.server
def test_replayed_beacon_stays_one_visitor(server: Server) -> None:
    """
    Case 37, what stands: a beacon sent a thousand times adds pageviews, but stays one visitor and one visit. Beacons
    have no identity; events of a batch have one in `event_id`.
    """
    captured = post(beacon("/replayed"), b"X-Forwarded-For: 192.0.2.200")
    for _ in range(200):
        assert 202 == status(ask_raw(server, captured))
    await_stored(server, ["/replayed"])

    def found() -> list[object]:
        answer = ask(
            server,
            {
                "site_id": "site1.test",
                "metrics": ["visitors", "pageviews"],
                "date_range": "all",
                "dimensions": ["event:page"],
            },
        )
        return next(row["metrics"] for row in answer.json()["results"] if row["dimensions"] == ["/replayed"])

    ends = time.monotonic() + 10
    while found() != [1, 200] and time.monotonic() < ends:
        time.sleep(0.1)

    assert [1, 200] == found()


def test_other_origins_are_kept_out_by_the_hostname_list(tmp_path: Path, clock: FakeClock) -> None:
    """
    Case 37: conversions forged from a page of another host are dropped, and counted as dropped, where the site names
    its hosts. The control: a site without a list takes them, as the reference does.
    """
    forged = {"n": "Purchase", "d": "site1.test", "u": "https://evil.test/", "$": {"amount": "9.99", "currency": "EUR"}}
    shielded = make_collector(tmp_path, clock, replace(SITE, shields=compile_shields(hostname=["site1.test"])))
    collected = send(shielded, forged)

    assert () == tuple(collected.records)
    assert ["hostname_not_allowed"] == [drop.reason for drop in drops_of(shielded)]
    assert 1 == len(events_of(send(make_collector(tmp_path, clock), forged)))
