"""
The tables of a CSV export of daily totals, and what a line of each becomes in the reports of the rollups. Pure.

Source: https://plausible.io/docs/csv-import, "CSV structure"; `total_...` and `exits` as its newer and older exports
have them. Names of reports and labels are those of `dashboard.stats`, which this side does not import; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ingest.channel import channel_of
from ingest.scrub import scrub
from ingest.sources import source_of_tag
from warehouse.imported_totals import COUNTS

NOT_SET = "(not set)"
DIRECT, NO_SOURCE = "Direct", "Direct / None"
PAGEVIEW = "pageview"
TEXT_CHARS_MAX = 2_000
_CLICK_IDS = {"(gclid)": "gclid", "(msclkid)": "msclkid"}

Labels = tuple[str, ...]
Made = tuple[str, Labels, Mapping[str, int]]
"""A report's name, the labels of a row, and its numbers by column; a column not named is 0."""


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line: texts and numbers by column; a column that the file lacks is empty or 0.
    """

    texts: Mapping[str, str]
    numbers: Mapping[str, int]

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def number(self, name: str) -> int:
        return self.numbers.get(name, 0)


@dataclass(frozen=True, slots=True)
class Table:
    """
    One kind of file.

    Attributes:
        texts: columns with labels; the first one must be there.
        numbers: columns with counts or seconds; each may be missing.
        rows: makes the rows of a line.
    """

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    rows: Callable[[Line], Iterator[Made]]


def _visits(line: Line, visits: str = "visits") -> dict[str, int]:
    """
    The numbers of a table that counts visits.
    """
    count, pageviews = line.number(visits), line.number("pageviews")
    # A visitor has a visit: files that people write themselves may have one of the two columns.
    count = max(count, line.number("visitors"))
    return {
        "visitors": line.number("visitors"),
        "visits": count,
        "pageviews": pageviews,
        "events": pageviews,
        "visit_pageviews": pageviews,
        "entered": count,
        "bounced": min(line.number("bounces"), count),
        "ended": count,
        "seconds": line.number("visit_duration"),
        "event_rows": max(pageviews, count),
        "visit_rows": count,
    }


def _of_visitors(line: Line) -> Iterator[Made]:
    counts = _visits(line)
    yield "", (), counts
    if counts["pageviews"]:
        names = ("visitors", "visits", "pageviews", "events", "event_rows")
        yield "event:name", (PAGEVIEW,), {name: counts[name] for name in names}


def _of_sources(line: Line) -> Iterator[Made]:
    counts = _visits(line)
    named = line.text("source")
    source = "" if named in ("", NO_SOURCE) else source_of_tag(named)
    medium, campaign, tag = line.text("utm_medium"), line.text("utm_campaign"), line.text("utm_source")
    channel = channel_of(source, medium, campaign, tag, _CLICK_IDS.get(medium, "")) or DIRECT
    yield "visit:source", (source or NO_SOURCE,), counts
    yield "visit:channel", (channel,), counts
    yield "visit:channel+visit:source", (channel, source or NO_SOURCE), counts
    referrer = line.text("referrer")
    yield "visit:referrer", (NO_SOURCE if referrer in ("", NO_SOURCE) else referrer,), counts
    for name in ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"):
        yield f"visit:{name}", (line.text(name) or NOT_SET,), counts


def _of_pages(line: Line) -> Iterator[Made]:
    pageviews, visitors = line.number("pageviews"), line.number("visitors")
    counts = {
        "visitors": visitors,
        "visits": max(line.number("visits"), visitors),
        "pageviews": pageviews,
        "events": pageviews,
        "depths": line.number("total_scroll_depth"),
        "depth_visits": line.number("total_scroll_depth_visits"),
        "engaged_ms": line.number("total_time_on_page") * 1000,
        "engaged_visits": line.number("total_time_on_page_visits"),
        "event_rows": max(pageviews, visitors),
        "engagement_rows": line.number("total_time_on_page_visits"),
    }
    page, host = line.text("page") or NOT_SET, line.text("hostname") or NOT_SET
    yield "event:page", (page,), counts
    yield "event:hostname", (host,), counts
    yield "event:hostname+event:page", (host, page), counts


def _of_entry_pages(line: Line) -> Iterator[Made]:
    counts = _visits(line, "entrances")
    page = line.text("entry_page") or NOT_SET
    yield "visit:entry_page", (page,), counts
    # The bounce rate of a page is that of the visits that began there.
    names = ("visit_pageviews", "entered", "bounced", "ended", "seconds", "visit_rows")
    yield "event:page", (page,), {name: counts[name] for name in names}


def _of_exit_pages(line: Line) -> Iterator[Made]:
    yield "visit:exit_page", (line.text("exit_page") or NOT_SET,), _visits(line, "exits")


def _of_custom_events(line: Line) -> Iterator[Made]:
    name, events, visitors = line.text("name"), line.number("events"), line.number("visitors")
    if name in ("", PAGEVIEW):
        return
    events = max(events, visitors)
    yield "event:name", (name,), {"visitors": visitors, "visits": visitors, "events": events, "event_rows": events}
    yield "", (), {"events": events, "event_rows": events}


def _of_locations(line: Line) -> Iterator[Made]:
    counts = _visits(line)
    country, region, city = line.text("country") or NOT_SET, line.text("region") or NOT_SET, line.text("city")
    city = NOT_SET if city in ("", "0") else city
    yield "visit:country", (country,), counts
    yield "visit:region", (region,), counts
    yield "visit:city", (city,), counts
    yield "visit:country+visit:region", (country, region), counts
    yield "visit:country+visit:region+visit:city", (country, region, city), counts
    yield "visit:country+visit:city", (country, city), counts


def _of_devices(line: Line) -> Iterator[Made]:
    yield "visit:device", (line.text("device") or NOT_SET,), _visits(line)


def _of_browsers(line: Line) -> Iterator[Made]:
    counts = _visits(line)
    name, version = line.text("browser") or NOT_SET, line.text("browser_version") or NOT_SET
    yield "visit:browser", (name,), counts
    yield "visit:browser_version", (version,), counts
    yield "visit:browser+visit:browser_version", (name, version), counts


def _of_operating_systems(line: Line) -> Iterator[Made]:
    counts = _visits(line)
    name, version = line.text("operating_system") or NOT_SET, line.text("operating_system_version") or NOT_SET
    yield "visit:os", (name,), counts
    yield "visit:os_version", (version,), counts
    yield "visit:os+visit:os_version", (name, version), counts


_VISIT_NUMBERS = ("visitors", "visits", "visit_duration", "bounces", "pageviews")
TABLES: Mapping[str, Table] = {
    "visitors": Table((), _VISIT_NUMBERS, _of_visitors),
    "sources": Table(
        ("source", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
        _VISIT_NUMBERS,
        _of_sources,
    ),
    "pages": Table(
        ("page", "hostname"),
        (
            *("visitors", "visits", "pageviews", "exits", "time_on_page", "total_scroll_depth"),
            *("total_scroll_depth_visits", "total_time_on_page", "total_time_on_page_visits"),
        ),
        _of_pages,
    ),
    "entry_pages": Table(
        ("entry_page",), ("visitors", "entrances", "visit_duration", "bounces", "pageviews"), _of_entry_pages
    ),
    "exit_pages": Table(
        ("exit_page",), ("visitors", "exits", "visit_duration", "bounces", "pageviews"), _of_exit_pages
    ),
    "custom_events": Table(("name", "link_url", "path"), ("visitors", "events"), _of_custom_events),
    "locations": Table(("country", "region", "city"), _VISIT_NUMBERS, _of_locations),
    "devices": Table(("device",), _VISIT_NUMBERS, _of_devices),
    "browsers": Table(("browser", "browser_version"), _VISIT_NUMBERS, _of_browsers),
    "operating_systems": Table(("operating_system", "operating_system_version"), _VISIT_NUMBERS, _of_operating_systems),
}
"""By the name of the file without `imported_` and its days."""

_PERSONAL = frozenset(
    {
        *("referrer", "source", "page", "entry_page", "exit_page", "name", "hostname"),
        *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
    }
)
_LONG_NUMBERS = frozenset({"page", "entry_page", "exit_page", "referrer", "name"})
"""Where a long number is somebody's; in a campaign it is an advertiser's."""


def kept_text(column: str, text: str) -> str:
    """
    Take personal data out of a label, as out of what beacons say.
    """
    if column not in _PERSONAL:
        return text
    return scrub(text, numbers=column in _LONG_NUMBERS).text


def counts_of(numbers: Mapping[str, int]) -> tuple[int, ...]:
    """
    Put numbers into the order of the columns.
    """
    return tuple(numbers.get(name, 0) for name in COUNTS)
