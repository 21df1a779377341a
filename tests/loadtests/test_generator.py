"""
Promises of the load generator: it counts every answer once, and spares no server the requests that fell due.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.answer import read_answer
from loadtests.beacons import EVENTS_IN_BATCH, ORDINARY, Variety, draw, draw_batches, read_requests, write_requests
from loadtests.generator import Generator, evenly
from loadtests.tally import ACCEPTED, DROPPED, REFUSED, UNKNOWN, UNSENT, Tally
from loadtests.wrk_load import write_script
from tests.loadtests import stub_server
from tests.loadtests.stub_server import running_stub


def numbered(number: int) -> bytes:
    body = f"{number:06d}"
    return f"POST /api/event HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_beacons_differ_as_the_table_says() -> None:
    """
    The same seed gives the same beacons; they have 20,000 addresses, 50 user agents and 500 URLs.
    """
    beacons = draw(1)

    assert beacons == draw(1)
    assert beacons != draw(2)
    assert ORDINARY.requests == len(beacons)
    assert 20_000 == len({beacon.address for beacon in beacons})
    assert 50 == len({beacon.user_agent for beacon in beacons})
    assert 500 == len({beacon.url for beacon in beacons})


def test_more_variety_is_more_variety() -> None:
    """
    As many URLs and user agents as asked for come up.
    """
    beacons = draw(1, Variety(urls=3_000, user_agents=70, addresses=100, requests=6_000))

    assert 3_000 == len({beacon.url for beacon in beacons})
    assert 70 == len({beacon.user_agent for beacon in beacons})
    assert 100 == len({beacon.address for beacon in beacons})


def test_both_generators_send_the_same_requests(tmp_path: Path) -> None:
    """
    A file of requests is read back as it was written, and the script for wrk names it.
    """
    requests = [beacon.as_request() for beacon in draw(1)][:50]
    write_requests(tmp_path / "requests", requests)
    write_script(tmp_path / "requests.lua", tmp_path / "requests")

    assert requests == read_requests(tmp_path / "requests")
    assert str(tmp_path / "requests") in (tmp_path / "requests.lua").read_text()


def test_batches_hold_the_same_beacons() -> None:
    """
    A batch has 500 events and the key.
    """
    (batch,) = draw_batches(1, 1, "key-1")

    assert EVENTS_IN_BATCH == batch.count(b'"n":"pageview"')
    assert b"Authorization: Bearer key-1\r\n" in batch


def test_closed_loop_counts_every_answer() -> None:
    """
    What the generator counts as accepted is what the server answered, and each number was sent once.
    """
    with running_stub() as stub:
        generator = Generator(("127.0.0.1", stub.port), 4, numbered)
        generator.run(0.2)
        tally = generator.tally

        assert tally.offered == tally.accepted == len(stub.requests) == len(tally.latencies_us)
        assert sorted(stub.requests) == [numbered(number) for number in range(tally.offered)]
    assert {} == tally.errors
    assert tally.offered == tally.outcomes.count(ACCEPTED)
    assert tally.accepted == sum(tally.accepted_by_second.values())


def test_open_loop_offers_what_falls_due() -> None:
    """
    At 200 a second for a fifth of a second, 40 requests are sent, and no more.
    """
    with running_stub() as stub:
        generator = Generator(("127.0.0.1", stub.port), 4, numbered, arrivals=evenly(200, 0.2))
        took = generator.run(10)

        assert 40 == generator.tally.offered == generator.tally.accepted == len(stub.requests)
    assert 0.19 < took


def test_latency_counts_from_when_a_request_was_due() -> None:
    """
    A server that stalls once for 0.3 s makes everything late that fell due meanwhile, not one request.
    """

    def stall(number: int) -> bytes:
        if number == 10:
            time.sleep(0.3)
        return stub_server.ACCEPTED

    with running_stub(stall) as stub:
        generator = Generator(("127.0.0.1", stub.port), 1, numbered, arrivals=evenly(200, 0.5))
        generator.run(10)
    late = [latency for latency in generator.tally.latencies_us if latency > 50_000]

    assert 100 == generator.tally.accepted
    assert 40 < len(late)


def test_outcomes_are_told_apart() -> None:
    """
    Accepted, dropped, refused and never answered are four things, each by its number.
    """
    answers = [stub_server.ACCEPTED, stub_server.DROPPED, stub_server.FULL, b"", stub_server.ACCEPTED]
    with running_stub(lambda number: answers[number]) as stub:
        generator = Generator(("127.0.0.1", stub.port), 1, numbered, arrivals=evenly(100, 0.05))
        generator.run(10)
    tally = generator.tally

    assert [ACCEPTED, DROPPED, REFUSED, UNKNOWN, ACCEPTED, UNSENT] == list(tally.outcomes[:6])
    assert {"status 503": 1, "closed by the server": 1} == tally.errors
    assert (5, 2, 1) == (tally.offered, tally.accepted, tally.dropped)


def test_numbers_can_be_shared_out() -> None:
    """
    Two generators with steps of two never send the same number.
    """
    with running_stub() as stub:
        for first in (0, 1):
            generator = Generator(
                ("127.0.0.1", stub.port), 1, numbered, arrivals=evenly(100, 0.05), first=first, step=2
            )
            generator.run(10)

        assert [numbered(number) for number in (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)] == stub.requests


def test_large_requests_are_sent_whole() -> None:
    """
    A body larger than the system's buffers arrives as it was made.
    """
    body = b"x" * 3_000_000
    request = b"POST /api/events HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with running_stub() as stub:
        generator = Generator(("127.0.0.1", stub.port), 1, lambda _: request, arrivals=iter([0.0]))
        generator.run(10)

        assert [request] == stub.requests


@pytest.mark.parametrize("cut", [1, 20, 45, 60])
def test_half_an_answer_is_waited_for(cut: int) -> None:
    """
    An answer counts when its last byte is there.
    """
    answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\n\r\n" + b'{"accepted":3}'

    assert read_answer(answer[:-cut]) is None
    assert (3, 0, 202) == ((found := read_answer(answer)) and (found.accepted, found.dropped, found.status))


def test_percentiles() -> None:
    """
    Percentiles are of all answers, and by the second for the graph.
    """
    tally = Tally()
    for number in range(100):
        tally.answered(number, ACCEPTED, number // 50, (number + 1) / 1000, 1, 0)

    assert [50.5, 95.05, 99.01] == tally.percentiles_ms()
    assert {0: 49.51, 1: 99.51} == tally.p99_by_second()
    assert [0.0, 0.0, 0.0] == Tally().percentiles_ms()


def test_evenly() -> None:
    """
    Arrivals of a steady rate have equal distances.
    """
    arrivals: Iterator[float] = evenly(4, 1)

    assert [0.0, 0.25, 0.5, 0.75] == list(arrivals)


def test_requests_without_a_free_connection_stay_offered() -> None:
    """
    A server at half the offered rate does not make the offer smaller: everything due is sent, late.
    """

    def slow(_: int) -> bytes:
        time.sleep(0.02)
        return stub_server.ACCEPTED

    with running_stub(slow) as stub:
        generator = Generator(("127.0.0.1", stub.port), 1, numbered, arrivals=evenly(100, 0.3))
        took = generator.run(0.3)

    assert (30, 30) == (generator.tally.offered, generator.tally.accepted)
    assert 0.6 <= took
