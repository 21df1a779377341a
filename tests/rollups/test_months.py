"""
Months are added up from their days, and are not read when they are no longer what their days are.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.context import Context
from dashboard.rollups.build import add_batch, build_days
from dashboard.rollups.months import QUIET_MS, add_months, shown_stretches
from dashboard.stats.answer import answer
from dashboard.stats.query import Order, Row, StatsQuery, Viewer
from dashboard.stats.reports import HOUR, REPORTS, Report
from tests.clocks import FakeClock
from tests.stats.rolled import rollup_site
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

FIRST, LAST = date(2026, 4, 29), date(2026, 6, 2)
RANGES = [("2026-05-01", "2026-05-31"), ("2026-04-29", "2026-06-05"), ("2026-05-02", "2026-06-02")]
"""A whole month; the same with days before, after, and after the last build; one day too few of it."""
DAYS = ("2026-04-30", "2026-05-01", "2026-05-15", "2026-05-31", "2026-06-02", "2026-06-03")


def happenings(seed: int) -> list[Happening]:
    found: list[Happening] = []
    for number, (day, who) in enumerate(itertools.product(DAYS, "uvwx")):
        if (seed >> (number % 16)) & 1:
            continue
        attributes: dict[str, str | int] = {
            "country": ["SE", "NO", "DK"][(number + seed) % 3],
            "source": ["", "Google"][(number * seed) % 2],
            "utm_term": ["a", "b", "c", ""][(number + seed // 3) % 4],
        }
        at = moment(f"{day}T{number % 23:02d}:10:00")
        page = ["/", "/b/1", "/c"][number * seed % 3]
        found.append(Happening(at, who=who, page=page, attributes=attributes))
        found.append(Happening(at.replace(minute=20), who=who, name="Signup", page=page, attributes=attributes))
        found.append(Happening(at.replace(minute=55), who=who, page="/", attributes={**attributes, "utm_term": "d"}))
    return found


def built(context: Context, clock: FakeClock, events: list[Happening], k: int = 1) -> Site:
    for table in (
        "events",
        "visits",
        "rollups",
        "rollup_overlaps",
        "rollup_builds",
        "rollup_months",
        "rollup_month_builds",
    ):
        context.warehouse.command(f"TRUNCATE TABLE {table}")
    if context.registry.sites.find("months.test") is None:
        site = context.registry.sites.add("months.test")
        context.registry.goals.add(site.id, kind="event", event_name="Signup")
        context.registry.goals.add(site.id, kind="page", page_path="/b/**", display_name="Read b")
    site = context.registry.sites.change("months.test", k=k)
    insert(context.warehouse, site.id, events)
    build_days(context.warehouse, clock, rollup_site(context, site), FIRST, LAST)
    clock.advance(ms=QUIET_MS)
    return site


def questions(
    reports: Sequence[Report], interval: str, periods: Sequence[tuple[str, str]] = RANGES
) -> list[StatsQuery]:
    asked: list[StatsQuery] = []
    for period, report in itertools.product(periods, reports):
        names = tuple(dimension.name for dimension in report.dimensions)
        if HOUR in names and interval:
            continue
        dimensions = (interval, *names) if interval else names
        metrics = tuple(name for name in report.metrics if name != "views_per_visit" or not names)
        order = tuple(Order(name, descending=False) for name in dimensions)
        asked.append(StatsQuery(metrics, period, dimensions=dimensions, order=order, total_rows=True))
    return asked


def answers(context: Context, site: Site, asked: list[StatsQuery]) -> list[tuple[tuple[Row, ...], int | None]]:
    results = [answer(context, site, query, viewer) for query in asked for viewer in Viewer]
    return [(result.rows, result.total_rows) for result in results]


def months(context: Context) -> list[date]:
    return [row[0] for row in context.warehouse.query("SELECT DISTINCT day FROM rollup_months ORDER BY day")]


def stretches(context: Context) -> list[tuple[date, date]]:
    return [
        (row[0], row[1])
        for row in context.warehouse.query("SELECT month, last FROM rollup_month_builds ORDER BY month, last")
    ]


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(1, 2**16 - 1),
    k=st.sampled_from([1, 3]),
    interval=st.sampled_from(["", "time:month"]),
    chosen=st.lists(st.sampled_from(REPORTS), min_size=6, max_size=6, unique=True),
)
def test_months_give_the_same_numbers(
    context: Context, clock: FakeClock, seed: int, k: int, interval: str, chosen: list[Report]
) -> None:
    """
    Every report over whole months, with days beside them and without, is what its days add up to; without the days'
    rows, whole months are still known.
    """
    site = built(context, clock, happenings(seed), k)
    asked = questions(chosen, interval)
    expected = answers(context, site, asked)

    assert add_months(context.warehouse, clock, site.id)

    assert [date(2026, 5, 1)][: len(months(context))] == months(context)
    assert expected == answers(context, site, asked)
    context.warehouse.command("TRUNCATE TABLE rollups")
    whole = [
        number for number, query in enumerate(asked) if query.date_range == RANGES[0] and HOUR not in query.dimensions
    ]
    found = answers(context, site, [asked[number] for number in whole])
    assert [expected[2 * number + which] for number in whole for which in (0, 1)] == found


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(1, 2**16 - 1),
    k=st.sampled_from([1, 3]),
    chosen=st.lists(
        st.sampled_from([report for report in REPORTS if report.name != HOUR]), min_size=6, max_size=6, unique=True
    ),
)
def test_stretches_give_the_same_numbers(
    context: Context, clock: FakeClock, seed: int, k: int, chosen: list[Report]
) -> None:
    """
    The last 7, 28 and 30 days are what their days add up to, with days beside them, too; without the rows of their
    days they are still known.
    """
    site = built(context, clock, happenings(seed), k)
    whole = [(first.isoformat(), last.isoformat()) for first, last in shown_stretches(LAST) if first >= FIRST]
    assert 4 == len(whole)
    asked = [*questions(chosen, "", whole), *questions(chosen, "", [("2026-04-29", "2026-06-05")])]
    expected = answers(context, site, asked)

    assert add_months(context.warehouse, clock, site.id, rows_min=1)

    assert expected == answers(context, site, asked)
    context.warehouse.command("TRUNCATE TABLE rollups")
    inside = len(chosen) * len(whole)
    assert expected[: 2 * inside] == answers(context, site, asked[:inside])


def test_small_sites_have_no_stretches(context: Context, clock: FakeClock) -> None:
    """
    A few rows are read as fast as their sum.
    """
    site = built(context, clock, happenings(0))

    assert add_months(context.warehouse, clock, site.id)

    assert [(date(2026, 5, 1), date(2026, 5, 31))] == stretches(context)


def test_stretches_follow_the_days(context: Context, clock: FakeClock) -> None:
    """
    With every day that is over there are new ones. Those of the day before stay, for a question that is being
    answered; older ones are gone.
    """
    site = built(context, clock, happenings(0))
    add_months(context.warehouse, clock, site.id, rows_min=1)
    month = (date(2026, 5, 1), date(2026, 5, 31))
    before = {month, *(one for one in shown_stretches(LAST) if one[0] >= FIRST)}
    assert before == set(stretches(context))

    for days in (1, 2):
        day = LAST + timedelta(days=days)
        build_days(context.warehouse, clock, rollup_site(context, site), day, day)
        clock.advance(ms=QUIET_MS)
        assert add_months(context.warehouse, clock, site.id, rows_min=1)
        kept = [one for last in (day, day - timedelta(days=1)) for one in shown_stretches(last) if one[0] >= FIRST]
        assert {month, *kept} == set(stretches(context))


def test_a_changed_day_makes_its_month_old(context: Context, clock: FakeClock) -> None:
    """
    What comes late is counted at once, from the days; the month is added up again when it was quiet for a minute, and
    nothing of the old one is left.
    """
    site = built(context, clock, happenings(0))
    add_months(context.warehouse, clock, site.id)
    query = StatsQuery(("visitors",), RANGES[0])
    before = answer(context, site, query).rows[0].metrics[0]
    assert before is not None
    insert(context.warehouse, site.id, [Happening(moment("2026-05-15T23:30:00"), who="late")], first=5000)
    context.warehouse.command(
        "ALTER TABLE events UPDATE batch = 7 WHERE toString(ts) LIKE '2026-05-15 23:%' SETTINGS mutations_sync = 2"
    )
    assert [] == add_batch(context.warehouse, clock, rollup_site(context, site), 7, [date(2026, 5, 15)])
    assert (before + 1,) == answer(context, site, query).rows[0].metrics

    assert not add_months(context.warehouse, clock, site.id)
    clock.advance(ms=QUIET_MS)
    assert add_months(context.warehouse, clock, site.id)
    context.warehouse.command("TRUNCATE TABLE rollups")
    assert (before + 1,) == answer(context, site, query).rows[0].metrics
    assert 1 == context.warehouse.query("SELECT uniqExact(build) FROM rollup_months")[0][0]
    assert 1 == context.warehouse.query("SELECT count() FROM rollup_month_builds")[0][0]


def test_months_that_are_not_over_are_not_added_up(context: Context, clock: FakeClock) -> None:
    """
    A month with a day that is still open stays as it is, in days.
    """
    site = built(context, clock, happenings(0))

    assert add_months(context.warehouse, clock, site.id)

    assert [date(2026, 5, 1)] == months(context)


def test_nothing_is_lost_with_the_months(context: Context, clock: FakeClock) -> None:
    """
    They hold nothing that the days do not: thrown away, they are made again.
    """
    site = built(context, clock, happenings(0))
    add_months(context.warehouse, clock, site.id)
    query = StatsQuery(("visitors",), RANGES[0], dimensions=("event:page",))
    expected = answer(context, site, query).rows
    for name in ("rollup_months", "rollup_month_builds"):
        context.warehouse.command(f"TRUNCATE TABLE {name}")

    assert expected == answer(context, site, query).rows
    assert add_months(context.warehouse, clock, site.id)
    assert [date(2026, 5, 1)] == months(context)
    assert expected == answer(context, site, query).rows
