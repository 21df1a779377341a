"""
Daily totals of a CSV export: where they show, that they count once, and what is refused.
"""

from __future__ import annotations

import struct
import threading
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dashboard.context import Context
from dashboard.stats.dimensions import DIMENSIONS, NOT_SET
from dashboard.stats.parts import STORED_PARTS
from dashboard.stats.reports import REPORTS
from daysalt.closer import Closer
from ingest.imports import totals_archive, totals_reading, totals_tables
from ingest.imports.importer import Importer
from ingest.imports.totals_reading import TotalsSite, read_totals
from tests.clocks import FakeClock
from tests.imports.exports import DAYS, EXPORT, PAGES, VISITORS, take_totals, zipped
from tests.imports.importing import line, ndjson, take_in
from tests.stats.asking import ask_http
from warehouse.client import Warehouse
from warehouse.imported_totals import COUNTS, add_totals, claim_build, first_counted_day
from warehouse.imports import ImportRefused
from warehouse.registry.sites import Site

WHOLE = zipped(EXPORT)


def asked(context: Context, metrics: list[str], *dimensions: str, **more: Any) -> dict[str, Any]:
    _, key = context.registry.keys.add("all")
    question = {
        "site_id": "site1.test", "metrics": metrics, "date_range": "all", "dimensions": list(dimensions),
        "include": {"imports": True}, **more,
    }  # fmt: skip
    response = ask_http(context, "POST", "/api/v2/query", key=key, json=question)
    assert 200 == response.status_code, response.text
    return response.json()


def rows(context: Context, metrics: list[str], *dimensions: str, **more: Any) -> list[list[Any]]:
    found = asked(context, metrics, *dimensions, **more)["results"]
    return [[*row["dimensions"], *row["metrics"]] for row in found]


def test_the_words_are_those_of_the_read_side() -> None:
    """
    Reports, labels and columns that an import writes are ones that questions read.
    """
    text: dict[str, str] = dict.fromkeys(("source", "page", "name"), "x")
    numbers: dict[str, int] = dict.fromkeys(("visitors", "visits", "events", "pageviews", "entrances", "exits"), 1)
    made = [
        (report, labels)
        for table in totals_tables.TABLES.values()
        for given in (text, {"name": "x"})
        for report, labels, _ in table.rows(totals_tables.Line(given, numbers))
    ]
    by_name = {report.name: report for report in REPORTS}

    assert {report for report, _ in made} <= by_name.keys()
    assert all(len(labels) == len(by_name[report].dimensions) for report, labels in made)
    assert (set(STORED_PARTS), totals_tables.NOT_SET) == (set(COUNTS), NOT_SET)
    assert DIMENSIONS["visit:source"].empty == DIMENSIONS["visit:referrer"].empty == totals_tables.NO_SOURCE
    assert DIMENSIONS["visit:channel"].empty == totals_tables.DIRECT


def test_totals_show_in_every_report(context: Context, site: Site, importer: Importer, tmp_path: Path) -> None:
    """
    Each of the ten files answers the questions it has numbers for.
    """
    taken = take_totals(importer, context, site, WHOLE, tmp_path)
    context.registry.goals.add(site.id, kind="event", event_name="Signup")
    context.registry.goals.add(site.id, kind="page", page_path="/")

    metrics = ["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration"]
    assert (18, {}, 0) == (taken.lines, taken.left_out, taken.wrong_count)
    assert [[15, 17, 35, 42, 2.06, 53, 35]] == rows(context, metrics)
    assert [["2021-01-01", 10, 12], ["2021-01-02", 5, 5]] == rows(context, ["visitors", "visits"], "time:day")
    assert [["2021-01-01", 35]] == rows(context, ["pageviews"], "time:month")
    assert [["Google", 11, 73.33], ["Direct / None", 4, 26.67]] == rows(
        context, ["visitors", "percentage"], "visit:source"
    )
    assert [["Organic Search", 6], ["Paid Search", 5], ["Direct", 4]] == rows(context, ["visitors"], "visit:channel")
    assert [["(not set)", 10], ["cpc", 5]] == rows(context, ["visitors"], "visit:utm_medium")
    assert [["/", 8, 15, 50, 10, 33], ["/[email]", 3, 15, None, None, 0]] == rows(
        context, ["visitors", "pageviews", "scroll_depth", "time_on_page", "bounce_rate"], "event:page"
    )
    assert [["site1.test", "/", 8], ["site1.test", "/[email]", 3]] == rows(
        context, ["visitors"], "event:hostname", "event:page"
    )
    assert [["/", 12, 33, 50]] == rows(context, ["visits", "bounce_rate", "visit_duration"], "visit:entry_page")
    assert [["/buy", 2]] == rows(context, ["visits"], "visit:exit_page")
    assert [["SE", "SE-AB", "2673730", 9], ["(not set)", "(not set)", "(not set)", 1]] == rows(
        context, ["visitors"], "visit:country", "visit:region", "visit:city"
    )
    assert [["Desktop", 10]] == rows(context, ["visitors"], "visit:device")
    assert [["110.0", 6], ["109.0", 4]] == rows(context, ["visitors"], "visit:browser_version")
    assert [["Firefox", 30]] == rows(context, ["pageviews"], "visit:browser")
    assert [["Mac", "10.14", 12]] == rows(context, ["visits"], "visit:os", "visit:os_version")
    assert [["pageview", 35], ["Signup", 4], ["Outbound Link: Click", 3]] == rows(context, ["events"], "event:name")
    assert [["Visit /", 8, 15, 53.33], ["Signup", 3, 4, 20.0]] == rows(
        context, ["visitors", "events", "conversion_rate"], "event:goal"
    )


def test_what_was_counted_here_is_added(context: Context, site: Site, importer: Importer, tmp_path: Path) -> None:
    """
    The day of the change has numbers of both, and later days of an export are left to what was counted here.
    """
    take_in(importer, site, ndjson([line("2021-01-01T10:00:00Z"), line("2021-01-02T10:00:00Z", page="/later")]))
    closer = Closer(
        importer._warehouse,  # pyright: ignore[reportPrivateUsage]  # the one store of the test
        context.registry, context.clock, resting=threading.Lock(), caught_up_ms=context.clock.now_ms,
    )  # fmt: skip

    taken = take_totals(importer, context, site, WHOLE, tmp_path)
    before = rows(context, ["visitors"], "time:day"), rows(context, ["visitors"], "event:page")
    closer.look()

    assert {"counted here already": 2} == taken.left_out
    assert ([["2021-01-01", 11], ["2021-01-02", 1]], [["/", 9], ["/[email]", 3], ["/later", 1]]) == before
    assert before == (rows(context, ["visitors"], "time:day"), rows(context, ["visitors"], "event:page"))
    assert [[2]] == rows(context, ["visitors"], include={"imports": False})


def test_an_export_counts_once(context: Context, site: Site, importer: Importer, tmp_path: Path) -> None:
    """
    The same export again adds nothing, packed otherwise too; a longer one adds its new days only.
    """
    longer = dict(EXPORT)
    longer[f"imported_visitors_{DAYS}.csv"] += "2021-01-03,7,7,7,7,0\n"

    taken = [
        take_totals(importer, context, site, content, tmp_path)
        for content in (WHOLE, WHOLE, zipped(dict(list(EXPORT.items())[::-1])), zipped(longer))
    ]

    assert [(18, 0), (0, 18), (0, 18), (1, 0)] == [(one.lines, one.repeated) for one in taken]
    assert {"imported before": 18} == taken[3].left_out
    assert [[22]] == rows(context, ["visitors"])


def test_an_import_is_listed_and_removed(
    context: Context, site: Site, importer: Importer, warehouse: Warehouse, tmp_path: Path
) -> None:
    """
    After removal no row is left, and the export can be imported again.
    """
    take_totals(importer, context, site, WHOLE, tmp_path)
    (listed,) = importer.listed(site.id)

    removed = importer.remove(site.id, listed.id)

    assert ("csv", 18, "2021-01-01", "2021-01-02") == (
        listed.format, listed.events, listed.first_day.isoformat(), listed.last_day.isoformat(),
    )  # fmt: skip
    assert 18 == removed[1]
    assert [(0,), (0,)] == warehouse.query("SELECT count() FROM rollups UNION ALL SELECT count() FROM rollup_builds")
    assert "no_imported_data" == asked(context, ["visitors"])["meta"]["imports_skip_reason"]
    assert 18 == take_totals(importer, context, site, WHOLE, tmp_path).lines


def test_half_an_import_does_not_count(
    context: Context, site: Site, importer: Importer, warehouse: Warehouse, clock: FakeClock, tmp_path: Path
) -> None:
    """
    What a crash left between the rows and the last word is not shown, and finished by the next one who looks.
    """
    path = tmp_path / "export.zip"
    path.write_bytes(WHOLE)
    target = TotalsSite(site.id, date(2026, 11, 1), None, [])
    staged, _ = read_totals(importer.directory, path, target, "", lambda _what, _done, _total: None)
    assert staged is not None
    days = [date(2021, 1, 1)]
    build = claim_build(warehouse, clock, site.id, staged.plan.number, days)
    add_totals(warehouse, site.id, build, staged.totals_of(0))
    staged.release()

    unseen = asked(context, ["visitors"])
    finished = importer.resume()

    assert ([0], "no_imported_data") == (unseen["results"][0]["metrics"], unseen["meta"]["imports_skip_reason"])
    assert (1, [[15]]) == (finished, rows(context, ["visitors"]))


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"date_range": ["2020-01-01", "2020-12-31"]}, "out_of_range"),
        ({"dimensions": ["time:hour"], "date_range": ["2021-01-01", "2021-01-01"]}, "unsupported_interval"),
        ({"filters": [["is", "visit:source", ["Google"]]], "dimensions": ["visit:browser"]}, "unsupported_query"),
        ({"filters": [["is", "event:props:plan", ["x"]]]}, "unsupported_query"),
        ({"filters": [["has_done", ["is", "event:name", ["Signup"]]]]}, "unsupported_query"),
        ({"dimensions": ["event:props:plan"]}, "unsupported_query"),
        ({"dimensions": ["visit:source", "visit:browser"]}, "unsupported_query"),
    ],
)
def test_why_totals_are_left_out(
    question: dict[str, Any], reason: str, context: Context, site: Site, importer: Importer, tmp_path: Path
) -> None:
    """
    A question that totals have no answer to is answered without them, and says so.
    """
    take_totals(importer, context, site, WHOLE, tmp_path)

    answer = asked(context, ["visitors"], **{"dimensions": [], **question})

    assert (False, reason) == (answer["meta"]["imports_included"], answer["meta"]["imports_skip_reason"])
    assert (reason != "out_of_range") == ("imports_warning" in answer["meta"])


@pytest.mark.parametrize(
    ("filters", "dimensions", "expected"),
    [
        ([["is", "visit:source", ["Google"]]], [], [[11]]),
        ([["is_not", "visit:source", ["Google"]]], [], [[4]]),
        ([["is", "visit:source", ["Direct / None"]]], ["time:day"], [["2021-01-01", 4]]),
        ([["contains", "event:page", ["email"]]], [], [[3]]),
        ([["is", "visit:country", ["SE"]]], ["visit:region"], [["SE-AB", 9]]),
        ([["is", "visit:browser", ["Firefox"]]], ["visit:browser_version"], [["110.0", 6], ["109.0", 4]]),
        ([["or", [["is", "visit:utm_medium", ["cpc"]], ["is", "visit:utm_medium", ["x"]]]]], [], [[5]]),
    ],
)
def test_filters_of_one_report(
    filters: list[Any],
    dimensions: list[str],
    expected: list[list[Any]],
    context: Context,
    site: Site,
    importer: Importer,
    tmp_path: Path,
) -> None:
    """
    A filter on what a report tells picks among its rows, beside what was counted here.
    """
    take_totals(importer, context, site, WHOLE, tmp_path)

    assert expected == rows(context, ["visitors"], *dimensions, filters=filters)


def test_a_filtered_total_is_judged_with_imports(context: Context, importer: Importer, tmp_path: Path) -> None:
    """
    Whether a filtered total is about too few counts everybody it is about.
    """
    site = context.registry.sites.add("site2.test", k=5)
    take_totals(importer, context, site, WHOLE, tmp_path)
    everybody, but_few, few = (
        rows(context, ["visitors"], site_id="site2.test", filters=[["is", "visit:source", names]])
        for names in (["Google", "Direct / None"], ["Google"], ["Direct / None"])
    )

    assert ([[15]], [[None]], [[None]]) == (everybody, but_few, few)


def test_totals_are_asked_for(context: Context, site: Site, importer: Importer, tmp_path: Path) -> None:
    """
    Without `imports` they are left out, and the older interface has its own word for them.
    """
    take_totals(importer, context, site, WHOLE, tmp_path)
    _, key = context.registry.keys.add("all")
    parameters = {"site_id": "site1.test", "period": "custom", "date": "2021-01-01,2021-01-31"}

    plain = ask_http(context, "GET", "/api/v1/stats/aggregate", key=key, params=parameters).json()
    both = ask_http(
        context, "GET", "/api/v1/stats/aggregate", key=key, params={**parameters, "with_imported": "true"}
    ).json()

    assert "meta" in (answer := asked(context, ["visitors"])) and answer["meta"]["imports_included"] is True
    assert {"imports": True} == answer["query"]["include"]
    assert (0, 15) == (plain["results"]["visitors"]["value"], both["results"]["visitors"]["value"])


def test_small_cells_fold(context: Context, importer: Importer, tmp_path: Path) -> None:
    """
    Rare values of totals fold below `k` like all others.
    """
    site = context.registry.sites.add("site2.test", k=5)
    take_totals(importer, context, site, WHOLE, tmp_path)

    found = rows(context, ["visitors"], "visit:browser_version", site_id="site2.test")

    assert [["110.0", 6], ["(other)", 4]] == found


BAD_LINE = "imported_visitors_20210101_20210131.csv"


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        (b"2021-13-01,1,1,1,1,1\n", "date: it is no day written as YYYY-MM-DD"),
        (b"20210101,1,1,1,1,1\n", "date: it is no day written as YYYY-MM-DD"),
        (b"2021-02-01,1,1,1,1,1\n", "date: 2021-02-01 is not between the days in the name of the file"),
        (b"2021-01-01,-1,1,1,1,1\n", "visitors: it is no whole number of at most 15 digits"),
        (b"2021-01-01,1,1.5,1,1,1\n", "pageviews: it is no whole number of at most 15 digits"),
        (b"2021-01-01,1,1\n", "it has 3 cells, the first line names 6 columns"),
        (b"2021-01-01,\xff\xfe,1,1,1,1\n", "this is no UTF-8 text"),
        (b"2021-01-01,\x00,1,1,1,1\n", "this is no UTF-8 text"),
        (b'2021-01-01,"1,1,1,1,1\n', "this is no line of a CSV file: a quote is not closed"),
    ],
)
def test_a_wrong_line_is_told(
    cell: bytes, error: str, context: Context, site: Site, importer: Importer, tmp_path: Path
) -> None:
    """
    A line that cannot be taken is told by file and number, and then nothing at all is taken.
    """
    content = zipped({**EXPORT, BAD_LINE: VISITORS.encode() + b"2021-01-01,1,1,1,1,1\n" + cell})

    taken = take_totals(importer, context, site, content, tmp_path)

    assert [(BAD_LINE, 3, error)] == [(one.file, one.line, one.error) for one in taken.wrong]
    assert ([], []) == (importer.listed(site.id), list(importer.directory.iterdir()))
    assert "no_imported_data" == asked(context, ["visitors"])["meta"]["imports_skip_reason"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "the ZIP archive is empty"),
        ({"../imported_visitors.csv": VISITORS}, "the archive holds '../imported_visitors.csv'"),
        ({"/etc/imported_visitors.csv": VISITORS}, "the archive holds '/etc/imported_visitors.csv'"),
        ({"a\\imported_visitors.csv": VISITORS}, "the archive holds"),
        ({"notes.txt": "x"}, "the archive holds 'notes.txt'"),
        ({"imported_visitors_20211301_20211302.csv": VISITORS}, "has a day in its name that does not exist"),
        ({"imported_visitors_20210102_20210101.csv": VISITORS}, "ends before it begins"),
        ({"imported_visitors.csv": "date,visitors,secret\n"}, "has a column 'secret'"),
        ({"imported_visitors.csv": "visitors\n1\n"}, "has no column 'date'"),
        ({"imported_pages.csv": "date,visitors\n"}, "has no column 'page'"),
        ({"imported_visitors.csv": "date,visitors,visitors\n"}, "has a column twice"),
        ({"imported_visitors.csv": VISITORS + "x" * 70_000}, "line 2: the line is longer than 65,536 bytes"),
    ],
)
def test_no_export_is_refused(
    files: Mapping[str, str], said: str, context: Context, site: Site, importer: Importer, tmp_path: Path
) -> None:
    """
    An archive that is no export is refused in a sentence, and leaves no file.
    """
    with pytest.raises(ImportRefused) as refused:
        take_totals(importer, context, site, zipped(files), tmp_path)

    assert said in str(refused.value)
    assert not importer.directory.exists() or [] == list(importer.directory.iterdir())


def test_damaged_archives_are_refused(context: Context, site: Site, importer: Importer, tmp_path: Path) -> None:
    """
    Cut, encrypted and strangely packed archives are refused, wherever the damage is.
    """
    stored = tmp_path / "stored.zip"
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("imported_visitors.csv", VISITORS)
    plain = zipped({"imported_visitors.csv": VISITORS + "2021-01-01,1,1,1,1,1\n" * 100})
    locked = bytearray(plain)
    locked[plain.index(b"PK\x01\x02") + 8] |= 1
    flipped = bytearray(plain)
    flipped[60] ^= 0xFF

    for content in (plain[:-40], plain[:20], bytes(locked), bytes(flipped), stored.read_bytes()):
        with pytest.raises(ImportRefused):
            take_totals(importer, context, site, content, tmp_path)
    assert [] == list(importer.directory.iterdir())


def test_a_bomb_is_refused(
    context: Context, site: Site, importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What unpacks to more than the limit is refused: by what it says, and by what it is when it lies.
    """
    monkeypatch.setattr(totals_archive, "UNPACKED_BYTES_MAX", 1_000_000)
    bomb = zipped({"imported_visitors.csv": VISITORS + "2021-01-01,1,1,1,1,1\n" * 100_000})
    lying = bytearray(bomb)
    at = bomb.index(b"PK\x01\x02") + 24
    lying[at : at + 4] = struct.pack("<I", 1_000)

    for content in (bomb, bytes(lying)):
        with pytest.raises(ImportRefused):
            take_totals(importer, context, site, content, tmp_path)
    assert [] == importer.listed(site.id)


def test_an_unknown_table_is_left_out(context: Context, site: Site, importer: Importer, tmp_path: Path) -> None:
    """
    A table that newer exports have is counted as left out, the others are taken.
    """
    content = zipped(
        {"imported_visitors.csv": VISITORS + "2021-01-01,1,1,1,1,1\n", "imported_moods.csv": "date\nx\ny\n"}
    )

    taken = take_totals(importer, context, site, content, tmp_path)

    assert (1, {"of a kind not kept": 2}) == (taken.lines, taken.left_out)


def test_too_many_names_overflow(
    context: Context, site: Site, importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Beyond the limit of names a day the rest is one row, and totals stay exact.
    """
    monkeypatch.setattr(totals_reading, "LABELS_MAX", 2)
    pages = PAGES + "".join(f"2021-01-01,site1.test,/{number},1,1,1,0,0,0,0\n" for number in range(5))

    take_totals(importer, context, site, zipped({"imported_pages.csv": pages}), tmp_path)

    assert [["(overflow)", 3], ["/0", 1], ["/1", 1]] == rows(context, ["pageviews"], "event:page")


def test_the_first_counted_day(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    The first day with events is known, and none where there are none.
    """
    before = first_counted_day(warehouse, site.id)
    take_in(importer, site, ndjson([line("2021-01-05T10:00:00Z"), line("2021-01-03T10:00:00Z")]))

    assert (None, "2021-01-03") == (before, str(importer.first_counted(site.id)))
