"""
Promises of the page at the end of a load test: what is lost and counted twice is found and said.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loadtests.graph import Line, by_second, spark, svg
from loadtests.outcome import Sent, Stored, compare_events, compare_pages, put_together
from loadtests.profile import read_profile
from loadtests.report import Report
from loadtests.sender import Plan, Reports, save, send
from loadtests.soak import growth_percent
from loadtests.tally import ACCEPTED, DROPPED, REFUSED, UNKNOWN, UNSENT, Tally
from loadtests.target import TargetError, read_target
from tests.loadtests.stub_server import running_stub

OUTCOMES = np.array([ACCEPTED, ACCEPTED, DROPPED, UNKNOWN, ACCEPTED, REFUSED, UNSENT], np.uint8)


def compare(*stored: tuple[int, int]) -> Stored:
    numbers = np.array([number for number, _ in stored], np.int64)
    return compare_events(OUTCOMES, 1, numbers, np.array([count for _, count in stored], np.int64))


def test_all_accepted_events_stored_once() -> None:
    """
    Accepted events once, and one that was never answered, are as promised.
    """
    found = compare((0, 1), (1, 1), (3, 1), (4, 1))

    assert Stored(4, 0, 0, 1, 0, exact=True) == found
    assert found.sound


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (((0, 1), (4, 1)), Stored(2, 1, 0, 0, 0, exact=True)),
        (((0, 1), (1, 3), (4, 1)), Stored(5, 0, 2, 0, 0, exact=True)),
        (((0, 1), (1, 1), (2, 1), (4, 1)), Stored(4, 0, 0, 0, 1, exact=True)),
        (((0, 1), (1, 1), (4, 1), (90, 1)), Stored(4, 0, 0, 0, 1, exact=True)),
        ((), Stored(0, 3, 0, 0, 0, exact=True)),
    ],
)
def test_faults_are_found(stored: tuple[tuple[int, int], ...], expected: Stored) -> None:
    """
    One lost, one twice too often, one that was dropped, one nobody sent: each is counted under its name.
    """
    assert expected == compare(*stored)
    assert not expected.sound


def test_a_lost_event_does_not_hide_behind_a_double() -> None:
    """
    Counts that agree are not enough: one lost and one twice is two faults.
    """
    found = compare((0, 2), (4, 1))

    assert (3, 1, 1) == (found.stored, found.lost, found.duplicated)


def test_batches_are_compared_event_by_event() -> None:
    """
    An accepted batch of three must have all three stored.
    """
    found = compare_events(
        np.array([ACCEPTED, UNSENT], np.uint8), 3, np.array([0, 2], np.int64), np.array([1, 1], np.int64)
    )

    assert (2, 1) == (found.stored, found.lost)


def test_pages_are_compared_one_by_one() -> None:
    """
    Without the store at hand, each page must have what was accepted for it, plus at most what was never answered.
    """
    assert compare_pages({"/1": 5, "/2": 3}, {"/2": 1}, {"/1": 5, "/2": 4}).sound
    found = compare_pages({"/1": 5, "/2": 3}, {"/2": 1}, {"/1": 4, "/2": 6, "/3": 1})

    assert Stored(11, 1, 2, 1, 1, exact=False) == found


def plan(tmp_path: Path, port: int, senders: int) -> Plan:
    text = 'about = "Two seconds."\nseed = 3\nconnections = 4\n[[stage]]\nseconds = 0.5\nrate = 200\n'
    (tmp_path / "short.toml").write_text(text)
    return Plan("127.0.0.1", port, str(tmp_path / "short.toml"), 1.0, "r1", "", str(tmp_path), senders)


def test_senders_are_put_together(tmp_path: Path) -> None:
    """
    Two senders share a profile; together they sent every request once, and their reports add up to their tallies.
    """
    reports: list[dict[str, object]] = []
    with running_stub() as stub:
        shared = plan(tmp_path, stub.port, 2)
        for index in range(2):
            save(shared.tally_path(index), send(shared, index, reports.append))
        received = len(stub.requests)
        different = len(set(stub.requests))
    sent = put_together([shared.tally_path(0), shared.tally_path(1)])

    assert received == different == sent.offered == sent.accepted > 60
    assert [ACCEPTED] * received == sent.outcomes[:received].tolist()
    assert received == sum(int(str(report["accepted"])) for report in reports)
    assert received == sum(sent.accepted_by_second.values())
    assert sent.percentiles_ms[0] > 0


def test_plan_keeps_its_key_to_itself(tmp_path: Path) -> None:
    """
    The file with the key is its owner's alone, and reads back as written.
    """
    made = plan(tmp_path, 1, 1)
    made.write(tmp_path / "plan.json")

    assert 0o600 == (tmp_path / "plan.json").stat().st_mode & 0o777
    assert made == Plan.read(tmp_path / "plan.json")


def test_reports_tell_what_is_new() -> None:
    """
    Each report has what came since the last.
    """
    tally = Tally()
    reports = Reports(tally)
    tally.answered(0, ACCEPTED, 0, 0.0012, 1, 0)
    tally.error("status 503", 0)
    first = reports.next(0.25)
    second = reports.next(0.5)

    assert {"1.2": 1} == first["latencies_ms"]
    assert ({"status 503": 1}, 1) == (first["errors"], first["accepted"])
    assert ({}, {}, 0) == (second["errors"], second["latencies_ms"], second["accepted"])


def report(stored: Stored) -> Report:
    sent = Sent(offered=10, accepted=9, errors={"status 503": 1})
    sent.offered_by_second, sent.accepted_by_second, sent.p99_by_second = {0: 4, 1: 6}, {0: 4, 1: 5}, {0: 1.5, 1: 2}
    sent.percentiles_ms = [1.0, 2.0, 3.0]
    return Report(read_profile("steady"), sent, stored, "<here>", "2 cores", "abc", "now", 2.0)


def test_the_page_says_what_happened() -> None:
    """
    Text and HTML have every figure; the HTML needs no other file and what it quotes is escaped.
    """
    page = report(Stored(9, 0, 0, 0, 0, exact=True))
    text, html = page.text(), page.html()

    for word in ("Everything accepted is stored, once.", "offered", "accepted", "lost", "duplicated", "1 / 2 / 3 ms"):
        assert word in text
        assert word in html
    assert "status 503: 1" in text
    assert "&lt;here&gt;" in html
    assert html.count("<svg") == html.count("</svg>") == 2
    assert "src=" not in html
    assert "http" not in html


def test_the_page_says_what_went_wrong() -> None:
    """
    Lost and duplicated events are the first thing it says.
    """
    page = report(Stored(9, 2, 1, 0, 0, exact=True))

    assert "FAULTY: 2 lost, 1 duplicated" in page.text().splitlines()[1]
    assert 'class="bad"' in page.html()


def test_graphs() -> None:
    """
    The largest value fills its block, gaps are empty, and a long run is drawn by the largest of each stretch.
    """
    assert "▄ █" == spark(by_second({0: 5, 2: 10}))
    assert "" == spark([])
    assert 72 == len(spark([1.0] * 600))
    assert "█" == spark([*[0.0] * 300, 7.0, *[0.0] * 300], 3)[1]
    assert "1,000" in svg([Line("accepted", "#000", {0: 1000, 1: 500})], "events/s")


def test_growth() -> None:
    """
    Growth is over the last five minutes, by the means of its ends, so that one sample does not decide it.
    """
    assert 0 == growth_percent([100.0] * 600)
    assert 10 == pytest.approx(growth_percent([500.0] * 300 + [100.0] * 150 + [110.0] * 150))
    assert 0 == growth_percent([])


def test_other_peoples_servers_are_refused() -> None:
    """
    A server elsewhere needs the operator's word, any server its key, and TLS is not spoken.
    """
    assert 8000 == read_target("http://127.0.0.1:8000", "key", own=False).port
    assert "192.0.2.1" == read_target("http://192.0.2.1", "key", own=True).host
    for url, key, sentence in (
        ("http://192.0.2.1", "key", "--yes-i-own-it"),
        ("https://127.0.0.1", "key", "must look like http://host:port"),
        ("http://127.0.0.1:8000", "", "set DAYSALT_ADMIN_KEY"),
    ):
        with pytest.raises(TargetError, match=sentence):
            read_target(url, key, own=False)
