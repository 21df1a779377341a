"""
Metrics and dimensions on rows that can be counted by hand.
"""

from __future__ import annotations

import pytest

from dashboard.context import Context
from dashboard.stats.answer import answer, present_visitors
from dashboard.stats.query import Filter, FilterGroup, Order, QueryError, StatsQuery, VisitFilter
from tests.clocks import FakeClock
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

DAY = ("2026-05-08", "2026-05-08")
ALL_METRICS = ("visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration")
HOSTILE = [
    "'; DROP TABLE events; --",
    "\\'; DROP TABLE events; --",
    "{p0:String}",
    "x' OR 1=1 OR 'x'='",
    "\x00\n\t\\N",
    "%(p0)s {} ${x} ?",
    "') UNION ALL SELECT 1 --",
]


def site_with(context: Context, happenings: list[Happening], timezone: str = "Etc/UTC") -> Site:
    site = context.registry.sites.add("hand.test", timezone=timezone, k=1)
    insert(context.warehouse, site.id, happenings, timezone)
    return site


def ask(context: Context, site: Site, *metrics: str, **changes: object) -> list[tuple[object, ...]]:
    query = StatsQuery(metrics, **{"date_range": DAY, **changes})  # type: ignore[arg-type]  # fields of the query, one at a time
    return [(*row.dimensions, *row.metrics) for row in answer(context, site, query).rows]


def test_nothing_happened(context: Context) -> None:
    """
    An empty site has zeros and no duration.
    """
    assert [(0, 0, 0, 0, 0, 0, None)] == ask(context, site_with(context, []), *ALL_METRICS)


def test_signal_counts_as_pageview_only(context: Context) -> None:
    """
    A hit with GPC adds to pageviews and events of its page, and to no visitor, visit or source.
    """
    site = site_with(
        context,
        [
            Happening(moment("2026-05-08T10:00:00"), page="/a"),
            Happening(moment("2026-05-08T10:00:00"), page="/a", signal=True),
        ],
    )
    metrics = ("visitors", "visits", "pageviews", "events")

    assert [(1, 1, 2, 2)] == ask(context, site, *metrics)
    assert [("/a", 1, 1, 2, 2)] == ask(context, site, *metrics, dimensions=("event:page",))
    assert [("2026-05-08 10:00:00", 1, 1, 2, 2)] == ask(context, site, *metrics, dimensions=("time:hour",))
    assert [("Direct / None", 1, 1, 1, 1)] == ask(context, site, *metrics, dimensions=("visit:source",))


def test_visit_is_in_every_hour_it_spans(context: Context) -> None:
    """
    Visitors and visits are spread over hours; pageviews stay in theirs and the duration is booked at the end.
    """
    site = site_with(
        context,
        [
            Happening(moment("2026-05-08T09:50:00"), who="u"),
            Happening(moment("2026-05-08T10:15:00"), who="u"),
            Happening(moment("2026-05-08T10:40:00"), who="u"),
            Happening(moment("2026-05-08T11:05:00"), who="u"),
        ],
    )

    found = ask(context, site, "visitors", "visits", "pageviews", "visit_duration", dimensions=("time",))

    assert [
        ("2026-05-08 09:00:00", 1, 1, 1, None),
        ("2026-05-08 10:00:00", 1, 1, 2, None),
        ("2026-05-08 11:00:00", 1, 1, 1, 4500),
    ] == found


def test_visit_over_midnight_belongs_to_the_day_it_began(context: Context) -> None:
    """
    What carries yesterday's day shows in yesterday's last hour, in every table.
    """
    site = site_with(context, [])
    context.warehouse.insert(
        "events",
        {
            "site_id": [site.id] * 2,
            "day": [moment("2026-05-08T00:00:00").date()] * 2,
            "ts": [moment("2026-05-08T23:50:00"), moment("2026-05-09T00:10:00")],
            "visitor_id": [7, 7],
            "visit_id": [9, 9],
            "name": ["pageview", "pageview"],
        },
    )
    context.warehouse.insert(
        "visits",
        {
            "site_id": [site.id],
            "day": [moment("2026-05-08T00:00:00").date()],
            "visitor_id": [7],
            "visit_id": [9],
            "start": [moment("2026-05-08T23:50:00")],
            "end": [moment("2026-05-09T00:10:00")],
            "pageviews": [2],
            "events": [2],
        },
    )

    assert [("2026-05-08 23:00:00", 1, 2, 1200)] == ask(
        context, site, "visitors", "pageviews", "visit_duration", dimensions=("time:hour",)
    )
    assert [(0, 0)] == ask(context, site, "visitors", "pageviews", date_range=("2026-05-09", "2026-05-09"))


def test_partial_visit_rows_are_one_visit(context: Context) -> None:
    """
    A visit written several times counts once, with its latest numbers, and is found by its latest exit page alone.
    """
    site = site_with(context, [])
    day = moment("2026-05-08T00:00:00").date()
    for end, pageviews, page in (("2026-05-08T10:00:00", 1, "/in"), ("2026-05-08T10:10:00", 3, "/out")):
        context.warehouse.insert(
            "visits",
            {
                "site_id": [site.id],
                "day": [day],
                "visitor_id": [7],
                "visit_id": [9],
                "start": [moment("2026-05-08T10:00:00")],
                "end": [moment(end)],
                "pageviews": [pageviews],
                "entry": [(1, "site1.test", "/in")],
                "exit": [(pageviews, "site1.test", page)],
            },
        )

    assert [(1, 1, 3, 0, 600)] == ask(
        context, site, "visitors", "visits", "views_per_visit", "bounce_rate", "visit_duration"
    )
    assert [("/out", 1)] == ask(context, site, "visitors", dimensions=("visit:exit_page",))
    assert [(0,)] == ask(context, site, "visits", filters=(Filter("is", "visit:exit_page", ("/in",)),))


def test_entry_and_exit_pages(context: Context) -> None:
    """
    A visit has one entry and one exit page, and its events can be asked for by them.
    """
    site = site_with(
        context,
        [
            Happening(moment("2026-05-08T10:00:00"), who="u", page="/in"),
            Happening(moment("2026-05-08T10:05:00"), who="u", page="/mid"),
            Happening(moment("2026-05-08T10:10:00"), who="u", page="/out"),
        ],
    )
    metrics = ("visitors", "pageviews", "events", "bounce_rate")

    assert [("/in", 1, 3, 3, 0)] == ask(context, site, *metrics, dimensions=("visit:entry_page",))
    assert [("/out", 1, 3, 3, 0)] == ask(context, site, *metrics, dimensions=("visit:exit_page",))
    by_entry = (Filter("is", "visit:entry_page", ("/in",)),)
    assert [("/in", 1), ("/mid", 1), ("/out", 1)] == ask(
        context, site, "visitors", dimensions=("event:page",), filters=by_entry, order=(Order("event:page", False),)
    )


def test_and_or_not(context: Context) -> None:
    """
    Filters nest.
    """
    pages = ("/a", "/b", "/c")
    site = site_with(context, [Happening(moment("2026-05-08T10:00:00"), page=page) for page in pages])
    either = FilterGroup("or", (Filter("is", "event:page", ("/a",)), Filter("is", "event:page", ("/b",))))

    assert [(2,)] == ask(context, site, "pageviews", filters=(either,))
    assert [(1,)] == ask(context, site, "pageviews", filters=(FilterGroup("not", (either,)),))
    assert [(0,)] == ask(context, site, "pageviews", filters=(either, Filter("is", "event:page", ("/c",))))


def test_last_24_hours_are_by_the_second(context: Context, clock: FakeClock) -> None:
    """
    `24h` begins this second yesterday.
    """
    clock.wall_ms = int(moment("2026-05-08T12:00:00").timestamp() * 1000)
    site = site_with(
        context, [Happening(moment("2026-05-07T11:59:00")), Happening(moment("2026-05-07T12:01:00"), page="/in")]
    )

    assert [(1, 1)] == ask(context, site, "visitors", "pageviews", date_range="24h")


def test_present_visitors(context: Context, clock: FakeClock) -> None:
    """
    Present is who did something other than engagement in the last five minutes, and not later than now.
    """
    clock.wall_ms = int(moment("2026-05-08T12:00:00").timestamp() * 1000)
    site = site_with(
        context,
        [
            Happening(moment("2026-05-08T11:54:59")),
            Happening(moment("2026-05-08T11:55:01"), who="u"),
            Happening(moment("2026-05-08T11:50:00"), who="v"),
            Happening(moment("2026-05-08T11:59:00"), who="v", name="engagement"),
            Happening(moment("2026-05-08T11:59:00"), signal=True),
            Happening(moment("2026-05-08T12:00:01"), who="w"),
            Happening(moment("2026-05-09T11:59:00"), who="x"),
        ],
    )

    assert 1 == present_visitors(context, site)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("operator", ["is", "is_not", "contains", "contains_not"])
@pytest.mark.parametrize("dimension", ["event:page", "visit:source", "visit:city", "visit:entry_page"])
def test_hostile_values_are_only_values(context: Context, hostile: str, operator: str, dimension: str) -> None:
    """
    A value can be anything and is found as it is.
    """
    happened = Happening(moment("2026-05-08T10:00:00"), page=hostile, attributes={"source": hostile})
    site = site_with(context, [happened])
    found = dimension != "visit:city"

    answered = ask(context, site, "pageviews", filters=(Filter(operator, dimension, (hostile,)),))

    assert [(int(found is not operator.endswith("_not")),)] == answered


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_property_keys_are_only_keys(context: Context, hostile: str) -> None:
    """
    The key of a property is a value too.
    """
    site = site_with(context, [Happening(moment("2026-05-08T10:00:00"), props={hostile: "yes"})])

    assert [("yes", 1)] == ask(context, site, "visitors", dimensions=(f"event:props:{hostile}",))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_refused(context: Context, hostile: str) -> None:
    """
    Names that are in no registry never reach the store.
    """
    site = site_with(context, [])

    for changes in (
        {"dimensions": (hostile,)},
        {"filters": (Filter("is", hostile, ("x",)),)},
        {"filters": (VisitFilter("has_done", Filter("is", f"event:{hostile}", ("x",))),)},
        {"order": (Order(hostile, True),)},
        {"date_range": hostile},
        {"date_range": (hostile, hostile)},
    ):
        with pytest.raises(QueryError):
            ask(context, site, "visitors", **changes)
    with pytest.raises(QueryError):
        ask(context, site, hostile)


def test_bad_pattern_is_a_bad_question(context: Context) -> None:
    """
    A pattern that does not compile is the asker's matter, not a broken store.
    """
    site = site_with(context, [Happening(moment("2026-05-08T10:00:00"))])

    with pytest.raises(QueryError, match="RE2"):
        ask(context, site, "visitors", filters=(Filter("matches", "event:page", ("(((",)),))
