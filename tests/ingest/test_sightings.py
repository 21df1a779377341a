"""
What the vault and the risk windows are told of a hit, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ingest.enrich import SiteRules
from ingest.event import Event
from ingest.hit import DropReason
from ingest.pixel import collect_pixel
from ingest.shields import compile_shields
from ingest.sightings import SIGHTINGS_FULL, SIGHTINGS_MAX, Sighting, SightingFields
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, BATCH_KEY, BEACON, CHROME, make_batch, make_collector, send

PACKED = bytes((203, 0, 113, 77))


class _Sink:
    def __init__(self) -> None:
        self.seen: list[Sighting] = []

    def see(self, sightings: Sequence[SightingFields]) -> None:
        self.seen += map(Sighting._make, sightings)


def test_a_counted_hit_is_seen_with_its_address_and_headers(tmp_path: Path, clock: FakeClock) -> None:
    """
    A counted beacon makes one sighting.
    """
    collector, sink = make_collector(tmp_path, clock), _Sink()
    collector.install_sinks([sink])
    send(collector, user_agent=CHROME)
    collector.sightings.hand_over()

    (seen,) = sink.seen
    assert (clock.now_ms(), 1, PACKED, CHROME, None) == (
        seen.at_ms, seen.site_id, seen.address, seen.user_agent, seen.reason,
    )  # fmt: skip
    assert BEACON["u"] == seen.beacon.url
    assert (b"user-agent", CHROME.encode()) in seen.headers


def test_a_dropped_hit_is_seen_with_the_reason(tmp_path: Path, clock: FakeClock) -> None:
    """
    What a site does not count is seen all the same.
    """
    collector, sink = make_collector(tmp_path, clock), _Sink()
    collector.install_sinks([sink])
    send(collector, user_agent="curl/8.0 (bot)")
    collector.sightings.hand_over()

    assert [DropReason.BOT] == [seen.reason for seen in sink.seen]


def test_nobody_is_told_of_a_signal_an_unknown_site_or_what_cannot_be_read(tmp_path: Path, clock: FakeClock) -> None:
    """
    GPC, DNT, unknown sites and refused beacons make no sighting.
    """
    collector, sink = make_collector(tmp_path, clock), _Sink()
    collector.install_sinks([sink])
    send(collector, sec_gpc="1")
    send(collector, dnt="1")
    send(collector, {**BEACON, "d": "nobody.test"})
    send(collector, {**BEACON, "u": "data:text/plain,x"})
    collector.sightings.hand_over()

    assert [] == sink.seen


def test_a_pixel_is_seen_too(tmp_path: Path, clock: FakeClock) -> None:
    """
    A page without JavaScript is seen like any other.
    """
    collector, sink = make_collector(tmp_path, clock), _Sink()
    collector.install_sinks([sink])
    collect_pixel(collector, b"d=site1.test&u=https://site1.test/a", [], ADDRESS)
    collector.sightings.hand_over()

    assert [PACKED] == [seen.address for seen in sink.seen]


async def _batched(tmp_path: Path, clock: FakeClock, sink: _Sink) -> None:
    collector = make_collector(tmp_path, clock)
    collector.install_sinks([sink])
    batch = make_batch(tmp_path, clock, collector)
    headers = [(b"authorization", f"Bearer {BATCH_KEY}".encode())]
    key = batch.admit(headers)
    await batch.collect(key, msgspec.json.encode([{**BEACON, "ip": "198.51.100.9"}]), headers, ADDRESS)  # type: ignore[arg-type]  # the key is good
    collector.sightings.hand_over()


def test_an_event_of_a_batch_is_seen_with_its_own_address_and_no_headers(tmp_path: Path, clock: FakeClock) -> None:
    """
    The request of a batch is its sender's; the event has its visitor's address.
    """
    import asyncio

    sink = _Sink()
    asyncio.run(_batched(tmp_path, clock, sink))

    assert [(bytes((198, 51, 100, 9)), ())] == [(seen.address, tuple(seen.headers)) for seen in sink.seen]


def test_a_full_list_is_handed_over_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """
    Not more than so many sightings wait for their time.
    """
    collector, sink = make_collector(tmp_path, clock), _Sink()
    collector.install_sinks([sink])
    for _ in range(SIGHTINGS_MAX):
        send(collector)

    assert SIGHTINGS_MAX == len(sink.seen)


def test_a_list_worth_it_is_work_for_whoever_has_time(tmp_path: Path, clock: FakeClock) -> None:
    """
    Fewer sightings wait for their time; more are handed over as soon as somebody asks for work.
    """
    collector, sink = make_collector(tmp_path, clock), _Sink()
    collector.install_sinks([sink])
    for _ in range(SIGHTINGS_FULL - 1):
        send(collector)
    assert collector.sightings.find_work() is None
    send(collector)
    work = collector.sightings.find_work()
    assert work is not None
    assert [] == sink.seen
    work()

    assert SIGHTINGS_FULL == len(sink.seen)
    assert collector.sightings.find_work() is None


def test_a_shielded_hit_is_seen(tmp_path: Path, clock: FakeClock) -> None:
    """
    A blocked address is not counted, and seen.
    """
    site = SiteRules(id=1, domain="site1.test", shields=compile_shields(ip=[ADDRESS]))
    collector, sink = make_collector(tmp_path, clock, site), _Sink()
    collector.install_sinks([sink])
    collected = send(collector)
    collector.sightings.hand_over()

    assert [DropReason.IP_BLOCKED] == [seen.reason for seen in sink.seen]
    assert () == tuple(collected.records)


def test_a_sighting_hides_itself() -> None:
    """
    Printing one tells nothing of the person.
    """
    sighting = Sighting(0, 1, PACKED, CHROME, (), Event, None)  # type: ignore[arg-type]  # never looked at

    assert "<Sighting, personal>" == repr(sighting)
