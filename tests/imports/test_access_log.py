"""
Access logs: which lines are pageviews, what becomes of them, and what is nowhere afterwards.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.imports import access_log
from ingest.imports.access_log import NoLogLine, Request, parse_log_line
from ingest.imports.importer import Importer
from ingest.imports.line import ImportTarget
from ingest.imports.log_reader import LogReader
from ingest.imports.reading import new_reading
from ingest.imports.visitors import ImportedVisitors
from ingest.place import PlaceReader
from ingest.safe_event import VisitSeeds
from tests.clocks import FakeClock
from tests.imports.test_import import events, totals
from warehouse.client import Warehouse
from warehouse.registry.sites import Site

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
)
AT = "10/Oct/2020:13:55:36 -0700"
SECONDS = 1_602_363_336


def log_line(
    target: str = "/", *, address: str = "203.0.113.7", at: str = AT, method: str = "GET", status: int = 200,
    referrer: str = "-", agent: str = CHROME,
) -> bytes:  # fmt: skip
    """
    Write a line of the combined format.
    """
    return f'{address} - frank [{at}] "{method} {target} HTTP/1.1" {status} 2326 "{referrer}" "{agent}"\n'.encode()


def log_reader(target: ImportTarget, visitors: ImportedVisitors, seeds: VisitSeeds) -> LogReader:
    return LogReader(target, visitors, seeds, PlaceReader(None))


def take_log(importer: Importer, site: Site, content: bytes, clock: FakeClock) -> tuple[int, dict[str, int], list[int]]:
    """
    Import a log.

    Returns:
        Events, what was left out, and the lines that were rejected.
    """
    made: list[LogReader] = []
    known = importer.listed(site.id)

    def make(target: ImportTarget, visitors: ImportedVisitors, seeds: VisitSeeds) -> LogReader:
        made.append(log_reader(target, visitors, seeds))
        return made[-1]

    reading = new_reading(importer.directory, site, clock.now_ms(), known, make)
    reading.intake.feed(content)
    staged = reading.seal("log", "access.log")
    count = importer.store(staged, lambda _done, _total: None)[0] if staged else 0
    return count, dict(made[0].left_out), [line for line, _ in reading.intake.rejections.lines]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (log_line("/a?b=c", referrer="https://google.com/"),
         (SECONDS, "203.0.113.7", "GET", "/a?b=c", 200, "", "https://google.com/", CHROME)),
        (f'2001:db8::1 - - [{AT}] "GET / HTTP/1.0" 304 -'.encode(),
         (SECONDS, "2001:db8::1", "GET", "/", 304, "", "", "")),
        (f'www.site1.test:443 203.0.113.7 - - [{AT}] "GET / HTTP/1.1" 200 5 "-" "x"'.encode(),
         (SECONDS, "203.0.113.7", "GET", "/", 200, "www.site1.test", "", "x")),
        (rf'203.0.113.7 - - [{AT}] "GET /\"x\x41 HTTP/1.1" 200 5 "-" "-" "10.0.0.1"'.encode(),
         (SECONDS, "203.0.113.7", "GET", '/"xA', 200, "", "", "")),
        (f'203.0.113.7 - - [{AT}] "\\x16\\x03\\x01" 400 0 "-" "-"'.encode(),
         (SECONDS, "203.0.113.7", "", "", 400, "", "", "")),
        (json.dumps({"time_iso8601": "2020-10-10T20:55:36+00:00", "remote_addr": "203.0.113.7", "status": "200",
                     "request": "GET /a HTTP/2.0", "http_referer": "-", "http_user_agent": "x", "host": "site1.test"}
                    ).encode(),
         (SECONDS, "203.0.113.7", "GET", "/a", 200, "site1.test", "", "x")),
        (json.dumps({"msec": "1602363336.123", "remote_addr": "203.0.113.7", "status": 200, "request_method": "GET",
                     "request_uri": "/a"}).encode(),
         (SECONDS, "203.0.113.7", "GET", "/a", 200, "", "", "")),
        (json.dumps({"level": "info", "ts": 1602363336.5, "status": 200, "request": {
            "remote_ip": "203.0.113.7", "client_ip": "203.0.113.8", "method": "GET", "host": "site1.test",
            "uri": "/a", "headers": {"User-Agent": ["x"], "Referer": ["https://b.test/"]}}}).encode(),
         (SECONDS, "203.0.113.8", "GET", "/a", 200, "site1.test", "https://b.test/", "x")),
        (json.dumps({"StartUTC": "2020-10-10T20:55:36.1Z", "ClientHost": "203.0.113.7", "RequestMethod": "GET",
                     "RequestPath": "/a", "DownstreamStatus": 200, "RequestHost": "site1.test",
                     "request_User-Agent": "x"}).encode(),
         (SECONDS, "203.0.113.7", "GET", "/a", 200, "site1.test", "", "x")),
    ],
    ids=["combined", "common", "virtual host", "escapes", "no request", "nginx", "nginx parts", "caddy", "traefik"],
)  # fmt: skip
def test_formats(raw: bytes, expected: tuple[object, ...]) -> None:
    """
    A line of each format says the same things.
    """
    assert Request(*expected) == parse_log_line(raw)  # type: ignore[arg-type]  # a tuple of the fields


@pytest.mark.parametrize(
    "raw",
    [b"hello", b"{", b'{"status": 200}', log_line(at="99/Oct/2020:13:55:36 -0700"), log_line(at="yesterday at 12")],
)
def test_no_line_of_a_log(raw: bytes) -> None:
    """
    What is no line of a log is told, and nothing of it is in the sentence.
    """
    with pytest.raises(NoLogLine) as caught:
        parse_log_line(raw)

    assert "203.0.113" not in str(caught.value) and "hello" not in str(caught.value)


def test_pages_count_and_the_rest_is_counted_as_left_out(
    importer: Importer, site: Site, warehouse: Warehouse, clock: FakeClock
) -> None:
    """
    Pages that were delivered to people are pageviews; assets, bots, other hosts and other answers are left out.
    """
    content = b"".join([
        log_line("/"), log_line("/about"), log_line("/cached", status=304),
        log_line("/app.js"), log_line("/logo.PNG?v=1"), log_line("/feed.xml"),
        log_line("/", agent="curl/8.5.0"), log_line("/", agent="Googlebot/2.1 (+http://www.google.com/bot.html)"),
        log_line("/gone", status=404), log_line("/form", method="POST"), log_line("/moved", status=301),
        b"other.test:80 " + log_line("/"), b"www.site1.test:80 " + log_line("/shop"),
        b"# a note\n", b"no line\n",
    ])  # fmt: skip

    count, left_out, rejected = take_log(importer, site, content, clock)

    assert (4, [15]) == (count, rejected)
    assert {"asset": 3, "bot": 2, "no page": 3, "another site": 1} == left_out
    assert {"/", "/about", "/cached", "/shop"} == {row[0] for row in events(warehouse, "pathname")}


def test_a_line_is_read_like_a_beacon(importer: Importer, site: Site, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Browser, source and campaign come from a line, visits from its address and user agent.
    """
    content = b"".join([
        log_line("/?utm_medium=cpc", referrer="https://www.google.com/"),
        log_line("/next", at="10/Oct/2020:14:05:36 -0700"),
        log_line("/", address="203.0.113.8"),
        log_line("/", agent=CHROME.replace("139", "140")),
    ])  # fmt: skip

    take_log(importer, site, content, clock)

    assert (4, 3, 3) == totals(warehouse)
    assert [("Google", "Paid Search", "Chrome", "Windows", "Desktop", "site1.test")] == warehouse.query(
        "SELECT source, channel, browser, os, device, hostname FROM events WHERE pathname = '/next'"
    )


def test_a_log_that_grew_continues(importer: Importer, site: Site, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    The same log again adds nothing, and a longer one what is new, with the new lines' counts alone.
    """
    lines = [log_line(f"/page-{number}") for number in range(5)] + [log_line("/app.js")]

    first = take_log(importer, site, b"".join(lines), clock)
    again = take_log(importer, site, b"".join(lines), clock)
    grown = take_log(importer, site, b"".join([*lines, log_line("/new"), log_line("/new.css")]), clock)

    assert [(5, {"asset": 1}, []), (0, {}, []), (1, {"asset": 1}, [])] == [first, again, grown]
    assert 6 == totals(warehouse)[0]


def test_no_address_is_written(
    importer: Importer, site: Site, warehouse: Warehouse, clock: FakeClock, tmp_path: Path
) -> None:
    """
    Address, name of the user, user agent and query are in no file while an import waits, and in no row afterwards.
    """
    planted = ("198.51.100.77", "2001:db8:77::1", "frank", "Chrome/139.0.0.0", "secret-77")
    reading = new_reading(importer.directory, site, clock.now_ms(), [], log_reader)
    for address in planted[:2]:
        reading.intake.feed(log_line("/?token=secret-77", address=address))
    staged = reading.seal("log", "access.log")
    assert staged is not None
    waiting = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    importer.store(staged, lambda _done, _total: None)

    stored = "\n".join(str(row) for row in warehouse.query("SELECT * FROM events"))
    assert any(b"site1.test" in one for one in waiting)
    assert [] == [text for text in planted for one in waiting if text.encode() in one]
    assert [] == [text for text in planted if text in stored]


PIECES = (
    "203.0.113.7", "2001:db8::7", "host.test", "www.a.test:443 203.0.113.7", "fe80:1", "-", "frank", "two words", "",
    "[x]", "10/Oct/2020:13:55:36 -0700", "10/Oct/2020:13:55:60 -0700", "31/Feb/2020:13:55:36 +0000", "now",
    "GET / HTTP/1.1", "POST /a b HTTP/1.1", "GET /", "\\x16\\x03", "200", "304 12", "200 -", "200 12x", "20", 'a"b',
    "https://a.test/", "ä", " ", "extra",
)  # fmt: skip


def mostly(usual: str) -> st.SearchStrategy[str]:
    """
    Give what belongs there three times out of four: a line of odd pieces alone is refused at the first one.
    """
    return st.one_of(st.just(usual), st.just(usual), st.just(usual), st.sampled_from(PIECES))


def no_short_way(_line: str) -> None:
    """
    Read nothing: what a line says must then be found the long way.
    """


USUAL = ("203.0.113.7", "-", "frank", "10/Oct/2020:13:55:36 -0700", "GET / HTTP/1.1", "200 12", "-", CHROME)


@given(
    st.tuples(*map(mostly, USUAL)),
    st.sampled_from([
        '{} {} {} [{}] "{}" {} "{}" "{}"', '{} {} {} [{}] "{}" {}', '{} {} {} [{}] "{}" {} "{}" "{}" "extra"',
        '{} {} {} [{}] "{}" {} "{}"', '{} {} {} [{}] "{}" {}  "{}" "{}"', '{} {} {}  [{}] "{}" {} "{}" "{}',
    ]),
)  # fmt: skip
@example(USUAL, '{} {} {} [{}] "{}" {} "{}" "{}"')
def test_the_short_way_reads_what_the_long_way_reads(pieces: tuple[str, ...], shape: str) -> None:
    """
    Whatever a line is put together of: the same request, or the same refusal.
    """
    line = shape.format(*pieces).encode()

    def read() -> Request | str:
        try:
            return parse_log_line(line)
        except NoLogLine as error:
            return str(error)

    short = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_log, "_from_plain", no_short_way)
        assert short == read()


def test_the_short_way_is_taken() -> None:
    """
    Common and combined lines are read by it; one with an escape, a virtual host or a name with a space is not.
    """
    common = f'203.0.113.7 - - [{AT}] "GET / HTTP/1.1" 200 12'
    asked: list[bool] = []
    real = access_log._from_plain  # pyright: ignore[reportPrivateUsage]  # which way is taken shows nowhere else

    def noting(line: str) -> Request | None:
        found = real(line)
        asked.append(found is not None)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_log, "_from_plain", noting)
        for line in (common, common + f' "-" "{CHROME}"', "a.test:80 " + common, common.replace("- -", "- a b")):
            parse_log_line(line.encode())
        parse_log_line((common + r' "-" "a \"b\""').encode())

    assert [True, True, False, False] == asked
