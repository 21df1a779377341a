"""
Two plans, one definition: what rollups say is what the rows say, for every report, whatever happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.context import Context
from dashboard.rollups.build import add_batch, add_goals, build_days
from dashboard.rollups.builds import sweep_builds
from dashboard.stats.answer import answer
from dashboard.stats.dimensions import Dimension
from dashboard.stats.query import Order, Row, StatsQuery, StatsResult, Viewer
from dashboard.stats.reports import HOUR, REPORTS, Report
from tests.clocks import FakeClock
from tests.stats.rolled import build_all, rollup_site
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

MONDAY = date(2026, 5, 4)
RANGE = ("2026-05-03", "2026-05-08")
ATTRIBUTES = (
    "source",
    "channel",
    "utm_term",
    "country",
    "region",
    "city",
    "browser",
    "browser_version",
    "os",
    "device",
)


REPORTS_SOME = st.lists(st.sampled_from(REPORTS), min_size=8, max_size=8, unique=True)


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    """
    Some dozens of events on four days: visits with several pages, engagement, goals, GPC, attributes that change.
    """
    found: list[Happening] = []
    for _ in range(draw(st.integers(0, 14))):
        day = draw(st.integers(0, 3))
        minute = draw(st.integers(0, 1300))
        who = draw(st.sampled_from(["u", "v", "w", None]))
        values = {
            name: draw(st.sampled_from(["", "A", "B", "C"])) for name in draw(st.sets(st.sampled_from(ATTRIBUTES)))
        }
        attributes: dict[str, str | int] = {**values}
        if "city" in values:
            attributes["city"] = len(values["city"]) + draw(st.integers(0, 2))
        signal = draw(st.booleans()) and draw(st.booleans())
        for step in range(draw(st.integers(1, 4))):
            at = moment("2026-05-04T00:00:00") + timedelta(days=day, minutes=minute + step * draw(st.integers(0, 25)))
            name = "pageview" if step == 0 else draw(st.sampled_from(["pageview", "engagement", "Signup"]))
            found.append(
                Happening(
                    at,
                    who=who,
                    name=name,
                    page=draw(st.sampled_from(["/", "/a", "/b/c"])),
                    host=draw(st.sampled_from(["site1.test", "www2.test"])),
                    attributes=attributes,
                    depth=draw(st.sampled_from([255, 10, 90])) if name == "engagement" else 255,
                    engagement_ms=draw(st.sampled_from([0, 1500])) if name == "engagement" else 0,
                    interactive=draw(st.booleans()),
                    signal=signal and name == "pageview" and step == 0,
                )
            )
    return found


def prepared(context: Context, events: list[Happening], k: int = 1) -> Site:
    for table in ("events", "visits", "rollups", "rollup_overlaps", "rollup_builds"):
        context.warehouse.command(f"TRUNCATE TABLE {table}")
    if context.registry.sites.find("plans.test") is None:
        site = context.registry.sites.add("plans.test")
        context.registry.goals.add(site.id, kind="event", event_name="Signup")
        context.registry.goals.add(site.id, kind="page", page_path="/b/**", display_name="Read b")
    site = context.registry.sites.change("plans.test", k=k)
    insert(context.warehouse, site.id, events)
    return site


def questions(reports: Sequence[Report], interval: str) -> list[StatsQuery]:
    """
    One question for each report with every metric it knows, plain or by an interval.
    """
    return [question(report, interval) for report in reports if not (interval and _by_clock(report.dimensions))]


def question(report: Report, interval: str) -> StatsQuery:
    names = tuple(dimension.name for dimension in reversed(report.dimensions))
    dimensions = (interval, *names) if interval else names
    metrics = report.metrics
    if any(name != HOUR for name in names):
        metrics = (*(name for name in metrics if name != "views_per_visit"), "percentage")
    order = tuple(Order(name, descending=False) for name in dimensions)
    return StatsQuery(metrics, RANGE, dimensions=dimensions, order=order, total_rows=True)


def _by_clock(dimensions: tuple[Dimension, ...]) -> bool:
    return any(dimension.by_clock for dimension in dimensions)


def shown(result: StatsResult) -> tuple[tuple[Row, ...], int | None]:
    return result.rows, result.total_rows


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=happenings(),
    k=st.integers(1, 4),
    interval=st.sampled_from(["", "time:day", "time:week", "time:month"]),
    built=st.integers(1, 6),
    chosen=REPORTS_SOME,
)
def test_both_plans_give_equal_numbers(
    context: Context, events: list[Happening], k: int, interval: str, built: int, chosen: list[Report]
) -> None:
    """
    Every report with every metric is the same from rows, from rollups, and from both at once.
    """
    site = prepared(context, events, k)
    asked = questions(chosen, interval)
    by_rows = [shown(answer(context, site, query)) for query in asked]
    first = date(2026, 5, 3)
    build_days(context.warehouse, context.clock, rollup_site(context, site), first, first + timedelta(days=built - 1))

    mixed = [shown(answer(context, site, query)) for query in asked]

    for query, expected, found in zip(asked, by_rows, mixed, strict=True):
        assert expected == found, query.dimensions
    if built == 6:
        context.warehouse.command("TRUNCATE TABLE events")
        context.warehouse.command("TRUNCATE TABLE visits")
        for query, expected in zip(asked, by_rows, strict=True):
            # Positive control: without rows, only rollups can say this.
            assert expected == shown(answer(context, site, query)), query.dimensions


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=happenings(),
    k=st.integers(2, 4),
    metrics=st.sets(st.sampled_from(["visitors", "visits", "pageviews", "events"]), min_size=1),
    chosen=REPORTS_SOME,
)
def test_few_metrics_and_public_views(
    context: Context, events: list[Happening], k: int, metrics: set[str], chosen: list[Report]
) -> None:
    """
    A question for some metrics, and one from a public view, shows the same rows by either plan.
    """
    site = prepared(context, events, k)
    asked = [replace(query, metrics=tuple(sorted(metrics)), order=()) for query in questions(chosen, "")]
    by_rows = [shown(answer(context, site, query, viewer)) for query in asked for viewer in Viewer]
    build_all(context, site)

    by_rollups = [shown(answer(context, site, query, viewer)) for query in asked for viewer in Viewer]

    assert by_rows == by_rollups


def some_events() -> list[Happening]:
    return [
        Happening(moment("2026-05-04T10:00:00"), who="u", attributes={"country": "SE"}),
        Happening(moment("2026-05-04T10:05:00"), who="u", page="/b/1", attributes={"country": "SE"}),
        Happening(moment("2026-05-05T10:00:00"), who="v", attributes={"country": "NO"}),
        Happening(moment("2026-05-05T10:05:00"), who="v", name="Signup", attributes={"country": "NO"}),
    ]


def goals_of(context: Context, site: Site) -> list[tuple[object, ...]]:
    query = StatsQuery(("visitors", "events", "conversion_rate"), RANGE, dimensions=("event:goal",))
    return [(*row.dimensions, *row.metrics) for row in answer(context, site, query).rows]


def test_building_again_changes_nothing(context: Context, clock: FakeClock) -> None:
    """
    A build that is done twice is there once, and the old one's rows are gone.
    """
    site = prepared(context, some_events())
    build_all(context, site)
    before = context.warehouse.query("SELECT report, day, label1, visitors, events FROM rollups ORDER BY ALL")
    clock.wall_ms += 1000

    build_all(context, site)
    sweep_builds(context.warehouse, site.id)

    assert before == context.warehouse.query("SELECT report, day, label1, visitors, events FROM rollups ORDER BY ALL")
    assert before


def test_a_build_cut_short_is_not_seen(context: Context) -> None:
    """
    Rows of a build that has no line in the list of builds count for nothing.
    """
    site = prepared(context, some_events())
    build_all(context, site)
    context.warehouse.command(
        "INSERT INTO rollups (site_id, report, day, origin, build, visitors, visit_rows)"
        f" VALUES ({site.id}, '', '2026-05-04', 'native', 99, 1000, 1)"
    )

    assert (2,) == answer(context, site, StatsQuery(("visitors",), RANGE)).rows[0].metrics


def test_a_goal_made_later_is_filled_in(context: Context) -> None:
    """
    A goal counts from the first day there is, also on days that were built before it existed.
    """
    site = prepared(context, some_events())
    build_all(context, site)
    goal = context.registry.goals.add(site.id, kind="page", page_path="/", display_name="Home")
    try:
        expected = [("Home", 2, 2, 100), ("Read b", 1, 1, 50), ("Signup", 1, 1, 50)]
        assert expected == goals_of(context, site)

        assert 2 == add_goals(context.warehouse, context.clock, rollup_site(context, site))
        assert 0 == add_goals(context.warehouse, context.clock, rollup_site(context, site))
        context.warehouse.command("TRUNCATE TABLE events")
        assert expected == goals_of(context, site)
    finally:
        context.registry.goals.remove(site.id, goal.id)


def test_a_goal_removed_is_not_shown(context: Context) -> None:
    """
    What was counted for a goal stays, and is not shown any more.
    """
    site = prepared(context, some_events())
    goal = context.registry.goals.add(site.id, kind="page", page_path="/", display_name="Home")
    build_all(context, site)
    context.registry.goals.remove(site.id, goal.id)

    assert ["Read b", "Signup"] == [row[0] for row in goals_of(context, site)]


def late(context: Context, site: Site, batch: int, *events: Happening) -> None:
    """
    Store events as a batch of their own.
    """
    insert(context.warehouse, site.id, list(events), first=batch % 1000 * 100)
    context.warehouse.command(f"ALTER TABLE events UPDATE batch = {batch} WHERE batch = 0 SETTINGS mutations_sync = 2")


@pytest.mark.parametrize("batch", [7, 2**62 + 7])
def test_what_comes_late_is_added_once(context: Context, batch: int) -> None:
    """
    Late events of new visitors are added to a closed day, however often it is tried.
    """
    site = prepared(context, [])
    late(context, site, 5, *some_events())
    build_all(context, site)
    newcomer = Happening(moment("2026-05-04T12:00:00"), page="/late", attributes={"country": "FI"})
    late(context, site, batch, newcomer)
    here = rollup_site(context, site)

    assert [] == add_batch(context.warehouse, context.clock, here, batch, [MONDAY])
    assert [] == add_batch(context.warehouse, context.clock, here, batch, [MONDAY])

    assert (3, 5) == answer(context, site, StatsQuery(("visitors", "events"), RANGE)).rows[0].metrics
    pages = StatsQuery(("visitors",), RANGE, dimensions=("event:page",))
    assert {"/late": 1, "/": 2, "/b/1": 1} == {
        row.dimensions[0]: row.metrics[0] for row in answer(context, site, pages).rows
    }
    countries = StatsQuery(("visitors", "visits", "bounce_rate"), RANGE, dimensions=("visit:country",))
    assert Row(("FI",), (1, 1, 100)) in answer(context, site, countries).rows


def test_who_was_there_before_is_not_added(context: Context) -> None:
    """
    A batch with somebody known from another batch of the day cannot be added up: the day is named for building anew.
    """
    site = prepared(context, [])
    late(context, site, 5, *some_events())
    build_all(context, site)
    late(context, site, 7, Happening(moment("2026-05-04T10:20:00"), who="u"))

    assert [MONDAY] == add_batch(context.warehouse, context.clock, rollup_site(context, site), 7, [MONDAY])
