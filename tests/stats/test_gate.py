"""
Small cells: no row about fewer than `k` visitors is named, filtered totals are withheld.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.gate import Cell, Gate
from dashboard.stats.query import Filter, Row, StatsQuery, StatsResult, Viewer
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

NOON = moment("2026-05-08T12:00:00")
DAY = ("2026-05-08", "2026-05-08")
CHROME = (Filter("is", "visit:browser", ("Chrome",)),)


def came(count: int, page: str = "/", **attributes: str | int) -> list[Happening]:
    return [Happening(NOON, page=page, attributes=attributes) for _ in range(count)]


def site_with(context: Context, happenings: list[Happening], k: int = 5) -> Site:
    site = context.registry.sites.add("small.test", k=k)
    insert(context.warehouse, site.id, happenings)
    return site


def rows_of(result: StatsResult) -> list[tuple[object, ...]]:
    return [(*row.dimensions, *row.metrics) for row in result.rows]


def by_country(**changes: object) -> StatsQuery:
    return StatsQuery(("visitors", "pageviews"), DAY, dimensions=("visit:country",), **changes)  # type: ignore[arg-type]  # fields of the query, one at a time


def test_rare_countries_fold_into_one_row(context: Context) -> None:
    """
    Countries below `k` become one row, last, counted as one.
    """
    happenings = [*came(6, country="SE"), *came(4, country="NO"), *came(3, country="DK")]
    site = site_with(context, happenings)

    result = answer(context, site, by_country(total_rows=True))

    assert [("SE", 6, 6), ("(other)", 7, 7)] == rows_of(result)
    assert 2 == result.total_rows


def test_a_visitor_in_two_rare_rows_counts_once(context: Context) -> None:
    """
    Folding counts people again instead of adding rows up.
    """
    twice = [
        Happening(moment(at), who="u", attributes={"city": city})
        for at, city in (("2026-05-08T08:00:00", 1), ("2026-05-08T10:00:00", 2))
    ]
    site = site_with(context, [*came(5, city=9), *twice])

    result = answer(context, site, StatsQuery(("visitors", "visits"), DAY, dimensions=("visit:city",)))

    assert [("9", 5, 5), ("(other)", 1, 2)] == rows_of(result)


def test_pages_are_exact_for_members_and_fold_for_the_public(context: Context) -> None:
    """
    A page with one visitor is named to its owner, not on a public view.
    """
    site = site_with(context, [*came(5, "/a"), *came(1, "/secret")])
    query = StatsQuery(("visitors",), DAY, dimensions=("event:page",))

    assert [("/a", 5), ("/secret", 1)] == rows_of(answer(context, site, query))
    assert [("/a", 5), ("(other)", None)] == rows_of(answer(context, site, query, Viewer.PUBLIC))


def test_pages_fold_under_a_filter(context: Context) -> None:
    """
    With any filter every dimension but time folds, and a folded row below `k` has no numbers.
    """
    site = site_with(context, [*came(6, "/a", browser="Chrome"), *came(2, "/b", browser="Chrome"), *came(9)])

    result = answer(context, site, StatsQuery(("visitors",), DAY, dimensions=("event:page",), filters=CHROME))

    assert [("/a", 6), ("(other)", None)] == rows_of(result)
    assert {"visitors"} == set(result.metric_warnings)


def total_of(context: Context, site: Site) -> Row:
    (row,) = answer(context, site, StatsQuery(("visitors", "pageviews"), DAY, filters=CHROME)).rows
    return row


def test_filtered_total_below_k_is_withheld(context: Context) -> None:
    """
    Four who fit the filter are too few to say so.
    """
    site = site_with(context, [*came(4, browser="Chrome"), *came(9)])

    assert Row((), (None, None)) == total_of(context, site)


def test_filtered_total_with_a_small_complement_is_withheld(context: Context) -> None:
    """
    If all but two fit, the difference to the whole would be about two.
    """
    site = site_with(context, [*came(9, browser="Chrome"), *came(2)])

    assert Row((), (None, None)) == total_of(context, site)


def test_filtered_total_of_everybody_is_shown(context: Context) -> None:
    """
    A complement of nobody gives nobody away.
    """
    site = site_with(context, came(9, browser="Chrome"))

    assert Row((), (9, 9)) == total_of(context, site)


def test_k_of_one_switches_the_gate_off(context: Context) -> None:
    """
    With `k=1` a single visitor is shown.
    """
    site = site_with(context, [*came(1, country="SE", browser="Chrome"), *came(2, country="NO")], k=1)

    assert [("NO", 2, 2), ("SE", 1, 1)] == rows_of(answer(context, site, by_country()))
    assert Row((), (1, 1)) == total_of(context, site)


def test_other_is_sorted_last_whatever_the_order(context: Context) -> None:
    """
    The folded row comes last even when it is the largest, and on the last page.
    """
    site = site_with(context, [*came(5, country="SE"), *[one for code in "ABCD" for one in came(4, country=code)]])

    assert ["SE", "(other)"] == [row.dimensions[0] for row in answer(context, site, by_country()).rows]
    assert [("(other)", 16, 16)] == rows_of(answer(context, site, by_country(limit=1, offset=1)))


def test_time_is_never_folded(context: Context) -> None:
    """
    A day with one visitor stays a point of the curve.
    """
    site = site_with(context, came(1))

    assert [("2026-05-08", 1)] == rows_of(
        answer(context, site, StatsQuery(("visitors",), DAY, dimensions=("time:day",)))
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("xyz"), st.sampled_from("pq")), max_size=40),
    k=st.integers(2, 6),
    public=st.booleans(),
    filtered=st.booleans(),
    dimensions=st.sampled_from(
        [("visit:country",), ("visit:os",), ("visit:country", "visit:os"), ("event:page", "visit:os"), ("event:page",)]
    ),
)
def test_no_named_row_is_below_k(
    context: Context,
    people: list[tuple[str, str, str]],
    k: int,
    public: bool,
    filtered: bool,
    dimensions: tuple[str, ...],
) -> None:
    """
    Whatever came, no row that names a folding dimension is about fewer than `k` visitors, and nobody is lost.
    """
    context.warehouse.command("TRUNCATE TABLE events")
    context.warehouse.command("TRUNCATE TABLE visits")
    site = context.registry.sites.find("random.test") or context.registry.sites.add("random.test")
    site = context.registry.sites.change("random.test", k=k)
    insert(
        context.warehouse,
        site.id,
        [
            Happening(NOON, page=f"/{page}", attributes={"country": country, "os": system})
            for country, system, page in people
        ],
    )
    filters = (Filter("is", "visit:country", ("A", "B", "C")),) if filtered else ()
    viewer = Viewer.PUBLIC if public else Viewer.MEMBER
    strict = public or filtered

    result = answer(context, site, StatsQuery(("visitors",), DAY, dimensions=dimensions, filters=filters), viewer)

    for row in result.rows:
        if strict or any(
            name.startswith("visit:") and label != "(other)"
            for name, label in zip(dimensions, row.dimensions, strict=True)
        ):
            assert row.metrics[0] is None or (isinstance(row.metrics[0], int) and row.metrics[0] >= k)
    shown = [row.metrics[0] for row in result.rows]
    if not strict:
        assert len(people) == sum(value for value in shown if value is not None)


def test_withheld_rows_lose_every_metric() -> None:
    """
    A folded row below `k` keeps no metric at all under a filter.
    """
    gate = Gate(5, Viewer.MEMBER, filtered=True)

    assert ((Row(("(other)",), (None, None)),), True) == gate.shown(
        ("visitors", "pageviews"), [Cell(("(other)",), (4, 12), 4)]
    )
