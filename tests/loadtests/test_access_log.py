"""
The made-up access log: the same for the same seed, and a log that an import can read.
"""

from __future__ import annotations

from itertools import islice

from ingest.imports.access_log import parse_log_line
from loadtests.access_log import LINE_BYTES, lines


def test_the_same_seed_gives_the_same_log() -> None:
    """
    Line by line, in the order of time, of the size that was asked for; another seed gives another log.
    """
    first, again = list(lines(100_000, 1)), list(lines(100_000, 1))
    times = [parse_log_line(line.encode()).at for line in first]

    assert first == again
    assert first != list(lines(100_000, 2))
    assert times == sorted(times)
    assert 100_000 <= sum(len(line) + 1 for line in first) < 100_000 + 4 * LINE_BYTES


def test_it_has_what_a_log_has() -> None:
    """
    Pages, assets, robots, forms, dead links and campaigns, of IPv4 and IPv6.
    """
    found = [parse_log_line(line.encode()) for line in islice(lines(10**8, 1), 500)]

    assert {"GET", "POST"} == {one.method for one in found}
    assert {200, 404} == {one.status for one in found}
    assert {True, False} == {":" in one.address for one in found}
    for part in ("bot", "Firefox", "iPhone"):
        assert any(part in one.user_agent for one in found)
    for part in ("utm_source=", ".jpg", "/blog/"):
        assert any(part in one.target for one in found)
