"""
Streams of events: what of a line becomes which row, and what never does.
"""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import pytest

from ingest.imports.importer import Importer
from tests.imports.importing import line, ndjson, take_in
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site


def events(warehouse: Warehouse, columns: str) -> list[tuple[Any, ...]]:
    """
    Read columns of all events, in the order of time.
    """
    return warehouse.query(f"SELECT {columns} FROM events ORDER BY ts, seq, pathname")


def totals(warehouse: Warehouse) -> tuple[int, int, int]:
    """
    Count events, visits and visitors.
    """
    rows = warehouse.query("SELECT count(), uniqExact(visit_id), uniqExact(visitor_id) FROM events")
    visits = warehouse.query("SELECT uniqExact(visit_id) FROM visits")
    assert rows[0][1] == visits[0][0]
    return rows[0][0], rows[0][1], rows[0][2]


def test_lines_become_visits_whatever_their_order(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    Visits follow the 30-minute rule by time, and the earliest line says where a visit came from.
    """
    lines = [
        line("2021-01-01T00:00:00Z", page="/first", attrs={"source": "Google"}),
        line("2021-01-01T00:25:00Z", page="/second", attrs={"source": "Bing"}),
        line("2021-01-01T00:55:00Z", page="/third"),
        line("2021-01-01T01:25:01Z", page="/new-visit"),
    ]

    take_in(importer, site, ndjson(lines[::-1]))

    assert 4 == totals(warehouse)[0]
    assert [("Google", "/first"), ("Google", "/second"), ("Google", "/third"), ("", "/new-visit")] == events(
        warehouse, "source, pathname"
    )
    assert [("/first", "/third"), ("/new-visit", "/new-visit")] == warehouse.query(
        "SELECT tupleElement(min(entry), 3), tupleElement(max(exit), 3) FROM visits"
        " GROUP BY visit_id ORDER BY min(start)"
    )


def test_a_label_is_somebody_else_on_another_day(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    A visit of an import ends with its local day, and the label means nobody on the next.
    """
    take_in(importer, site, ndjson([line("2021-01-01T23:59:00Z"), line("2021-01-02T00:01:00Z")]))

    assert (2, 2, 2) == totals(warehouse)


def test_days_are_the_sites(importer: Importer, warehouse: Warehouse, context: Any) -> None:
    """
    The day of an event is that of the site's time zone.
    """
    site = context.registry.sites.add("york.test", timezone="America/New_York")

    take_in(importer, site, ndjson([line("2021-01-02T04:59:59Z"), line("2021-01-02T05:00:00Z")]))

    assert [("2021-01-01",), ("2021-01-02",)] == events(warehouse, "toString(day)")


def test_identical_lines_are_different_events(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    Two equal lines count twice.
    """
    answer = take_in(importer, site, ndjson([line("2021-01-01T00:00:00Z")] * 3))

    assert 3 == answer["imported"]
    assert (3, 1, 1) == totals(warehouse)


def test_lines_without_a_visitor_are_each_their_own(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    No label means a visitor seen once.
    """
    take_in(importer, site, ndjson([line("2021-01-01T00:00:00Z", visitor=None)] * 3))

    assert (3, 3, 3) == totals(warehouse)


def test_a_line_has_what_a_beacon_has(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    Campaign, referrer, properties and money are read from a line as from a beacon, and the query is not kept.
    """
    sent = line(
        "2021-01-01T00:00:00.500+02:00", page="/buy?utm_medium=cpc&secret=1", name="Purchase",
        referrer="https://www.google.com/search?q=x", props={"plan": "big", "seats": 3},
        revenue={"amount": "10.50", "currency": "eur"}, interactive=False,
    )  # fmt: skip

    take_in(importer, site, ndjson([sent]))

    columns = "toUnixTimestamp(ts), name, pathname, referrer, source, channel, utm_medium, props, interactive"
    assert [
        (1609452000, "Purchase", "/buy", "google.com/search", "Google", "Paid Search", "cpc",
         {"plan": "big", "seats": "3"}, 0)
    ] == events(warehouse, columns)  # fmt: skip
    assert [("10.5", "EUR")] == events(warehouse, "toString(revenue_amount), revenue_currency")


@pytest.mark.parametrize(
    ("attrs", "channel"),
    [
        ({"source": "Google"}, "Organic Search"),
        ({"source": "Google", "utm_medium": "cpc"}, "Paid Search"),
        ({"source": "Google", "channel": "Mine"}, "Mine"),
        ({"utm_medium": "email"}, "Email"),
        ({"source": ""}, "Direct"),
        ({"country": "SE"}, "Direct"),
    ],
)
def test_the_channel_follows_from_attributes(
    attrs: dict[str, str], channel: str, importer: Importer, site: Site, warehouse: Warehouse
) -> None:
    """
    With a source and no channel, the channel is that of the source.
    """
    take_in(importer, site, ndjson([line("2021-01-01T00:00:00Z", attrs=attrs)]))

    assert [(channel,)] == events(warehouse, "channel")


def test_attributes_override_what_is_derived(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    Every attribute of the contract is stored as it is said.
    """
    names = ("source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
             "country", "region", "browser", "browser_version", "os", "os_version", "device")  # fmt: skip
    attrs: dict[str, str | int] = {name: f"my {name}" for name in names}

    take_in(importer, site, ndjson([line("2021-01-01T00:00:00Z", attrs={**attrs, "city": 2673730})]))

    assert [(*attrs.values(), 2673730)] == events(warehouse, ", ".join((*names, "city")))


def test_engagement_needs_neither_depth_nor_time(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    An engagement counts with nothing but its visit, and without one it is rejected by its line.
    """
    answer = take_in(
        importer,
        site,
        ndjson([
            line("2021-01-01T00:00:00Z", name="engagement", visitor="nobody"),
            line("2021-01-01T00:00:10Z", name="engagement"),
            line("2021-01-01T00:00:10Z"),
            line("2021-01-01T00:20:00Z", name="engagement", scroll_depth=40, engagement_ms=12000),
        ]),
    )  # fmt: skip

    assert (3, [1]) == (answer["imported"], [one["line"] for one in answer["rejected"]])
    assert [("pageview", 255, 0), ("engagement", 255, 0), ("engagement", 40, 12000)] == events(
        warehouse, "name, scroll_depth, engagement_ms"
    )


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"{", "line: Unable to parse request body as json"),
        (b"[1]", "the line is not a JSON object"),
        (b"{}", "timestamp: is required"),
        (ndjson([line("yesterday")]), "timestamp: is not an ISO 8601 time or epoch milliseconds"),
        (ndjson([line("2099-01-01T00:00:00Z")]), "timestamp: lies in the future"),
        (ndjson([line("1969-01-01T00:00:00Z")]), "timestamp: lies before 1970-01-03 or is no time at all"),
        (b'{"timestamp":"2021-01-01T00:00:00Z"}', "url: is required"),
        (ndjson([line("2021-01-01T00:00:00Z", name="x" * 121)]), "name: should be at most 120 character(s)"),
        (ndjson([line("2021-01-01T00:00:00Z", visitor={})]), "visitor: is no text"),  # type: ignore[arg-type]  # on purpose
        (ndjson([line("2021-01-01T00:00:00Z", name="engagement", scroll_depth="x")]),
         "scroll_depth: is no whole number from 0 to 100"),
        (ndjson([line("2021-01-01T00:00:00Z", attrs={"city": "Lund"})]), "attrs: city is no GeoNames id"),
        (ndjson([line("2021-01-01T00:00:00Z", attrs=[1])]), "attrs: is no object"),
        (b"x" * 70_000, "the line is longer than 65536 bytes"),
    ],
)  # fmt: skip
def test_bad_lines_are_told_and_harm_nobody(
    raw: bytes, error: str, importer: Importer, site: Site, warehouse: Warehouse
) -> None:
    """
    A line that cannot be taken is told by its number, and its neighbours count.
    """
    good = ndjson([line("2021-01-01T00:00:00Z")])

    answer = take_in(importer, site, good + b"\n" + raw.rstrip(b"\n") + b"\n" + good, piece=1000)

    assert {"imported": 2, "rejected": [{"line": 3, "error": error}]} == {
        name: answer[name] for name in ("imported", "rejected")
    }
    assert 2 == totals(warehouse)[0]


def test_an_unknown_attribute_is_told(importer: Importer, site: Site) -> None:
    """
    A name that is no attribute rejects the line, and the names there are stand in the answer.
    """
    answer = take_in(importer, site, ndjson([line("2021-01-01T00:00:00Z", attrs={"colour": "red"})]))

    assert "attrs: has a name that is none of referrer, source" in answer["rejected"][0]["error"]


def test_years_in_one_file(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    Twelve years of days in one shuffled file are stored to the event.
    """
    lines = [
        line(f"{year}-{month:02}-{day:02}T{hour}:00:00Z", visitor="v")
        for year in range(2010, 2022)
        for month in range(1, 13)
        for day in range(1, 28, 3)
        for hour in (10, 12)
    ]
    random.Random(1).shuffle(lines)

    answer = take_in(importer, site, ndjson(lines))

    assert len(lines) == answer["imported"]
    assert (len(lines), len(lines), len(lines) // 2) == totals(warehouse)


def test_packed_streams_are_unpacked(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    A stream of several gzip members is read as what it unpacks to, and is the same file as that.
    """
    first, second = ndjson([line("2021-01-01T00:00:00Z")]), ndjson([line("2021-01-01T00:01:00Z")])

    packed = take_in(importer, site, gzip.compress(first) + gzip.compress(second), piece=7)
    plain = take_in(importer, site, first + second)

    assert (2, 0, 2) == (packed["imported"], plain["imported"], plain["repeated"])
    assert 2 == totals(warehouse)[0]


def test_nothing_of_a_label_is_written(
    importer: Importer, site: Site, warehouse: Warehouse, tmp_path: Path, context: Any
) -> None:
    """
    A visitor label, a query and a fragment are in no file, while an import waits and afterwards.
    """
    registry: Registry = context.registry
    assert registry.sites.all()
    planted = ("label-93a7c1", "query-93a7c1", "fragment-93a7c1")
    content = ndjson([line("2021-01-01T00:00:00Z", visitor=planted[0], page=f"/?q={planted[1]}#{planted[2]}")])

    receiving = importer.begin(site)
    assert receiving is not None
    receiving.feed(content)
    staged = receiving._reading.seal("ndjson")  # type: ignore[reportPrivateUsage]  # looks at what lies on the disk
    assert staged is not None
    waiting = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    importer.store(staged, lambda _done, _total: None)
    stored = "\n".join(str(row) for row in warehouse.query("SELECT * FROM events"))

    assert any(b"site1.test" in one for one in waiting)
    assert [] == [text for text in planted for one in waiting if text.encode() in one]
    assert [] == [text for text in planted if text in stored]
