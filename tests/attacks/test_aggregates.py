"""
Attacks 24 to 27 on numbers about few people: small cells, differences, averages, and the limits of shared links.
"""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Iterator, Sequence
from datetime import date
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.gate import Cell, Gate
from dashboard.stats.judging import Verdict, verdicts
from dashboard.stats.metrics import METRICS
from dashboard.stats.noise import Noise
from dashboard.stats.query import Filter, FilterGroup, FilterTree, StatsQuery, Value, Viewer
from tests.clocks import FakeClock
from tests.pages.browsing import TODAY, browser, signed_in
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.sealing.seal import seal_day
from warehouse.settings import load_settings

DAY = (TODAY, TODAY)
RARE, RARE_CITY = "Lynx", 2666199


@pytest.fixture
def context(warehouse: Warehouse, clock: FakeClock, tmp_path: Path) -> Iterator[Context]:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    yield Context(warehouse, registry, clock, load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}))
    registry.close()


def visitor(number: int, day: str = TODAY, page: str = "/", **attributes: str | int) -> Happening:
    at = moment(f"{day}T{number % 10:02d}:{number % 60:02d}:00")
    return Happening(at, f"v{number}", page=page, attributes=attributes)


def visitors(context: Context, site: Site, viewer: Viewer, *filters: FilterTree) -> Value:
    query = StatsQuery(("visitors",), DAY, filters=filters)
    return answer(context, site, query, viewer).totals()["visitors"]


# ---- 24: a small cell ------------------------------------------------------------------------------------------------


def with_a_lone_visitor(context: Context, k: int = 5) -> Site:
    """
    Twenty ordinary visitors, and one from a city of their own with a browser nobody else has.
    """
    site = context.registry.sites.change(context.registry.sites.add("site1.test").domain, k=k, public=True)
    ordinary: dict[str, Any] = {"country": "SE", "city": 2673730, "browser": "Firefox", "os": "Windows"}
    crowd = [visitor(number, **ordinary) for number in range(20)]
    insert(context.warehouse, site.id, [*crowd, visitor(20, country="NO", city=RARE_CITY, browser=RARE, os="Plan 9")])
    return site


def surfaces(context: Context, site: Site, key: str) -> Iterator[tuple[str, str]]:
    """
    Everything that a question about one filter is answered by, with the lone visitor's values asked for by name.
    """
    shared = context.registry.shared_links.add(site.id, "Press")
    member, stranger = signed_in(context), browser(context)
    for f in ("browser:Lynx", "browser!:Firefox"):
        for details, tab in (("locations", "cities"), ("devices", "browsers")):
            for who, client, address in (
                ("page", member, "/site1.test"),
                ("public", stranger, "/site1.test"),
                ("shared", stranger, f"/share/{shared.slug}"),
            ):
                given = {"f": f, "details": details, details: tab, "period": "day"}
                yield f"{who} {given}", client.get(address, params=given).text
                if who != "public":
                    yield f"file {who} {given}", client.get(address, params={**given, "format": "csv"}).text
        yield f"graph {f}", member.get("/site1.test", params={"f": f, "period": "day", "format": "csv"}).text
    yield "totals", stranger.get(f"/share/{shared.slug}", params={"f": "browser:Lynx", "period": "day"}).text
    asked = {"site_id": "site1.test", "date_range": "day"}
    question = {**asked, "metrics": ["visitors", "pageviews"]}
    all_filters: tuple[list[list[Any]], ...] = (
        [],
        [["is", "visit:browser", [RARE]]],
        [["is_not", "visit:browser", ["Firefox"]]],
    )
    for filters in all_filters[1:]:
        total = {**question, "filters": filters}
        yield f"v2 {filters}", ask_http(context, "POST", "/api/v2/query", key=key, json=total).text
    for dimension in ("visit:city", "visit:browser", "event:page"):
        for filters in all_filters:
            split = {**question, "filters": filters, "dimensions": [dimension]}
            yield f"v2 {dimension} {filters}", ask_http(context, "POST", "/api/v2/query", key=key, json=split).text
        legacy = {"site_id": "site1.test", "period": "day", "property": dimension}
        for text in (f"visit:browser=={RARE}", "visit:browser==L*"):
            given = {**legacy, "filters": text}
            yield f"v1 {given}", ask_http(context, "GET", "/api/v1/stats/breakdown", key=key, params=given).text


def names_somebody(text: str) -> bool:
    """
    Tell whether a surface has a row or a number about the lone visitor.
    """
    plain = unescape(re.sub(r'"query":.*', "", text, flags=re.S))
    if "<html" in plain:
        names = re.findall(r'class="row-name"[^>]*>([^<]*)<', plain)
        totals = re.findall(r'class="total-value[^"]*"[^>]*>([^<]*)<', plain)
        return bool({RARE, str(RARE_CITY), "Plan 9"} & {*names}) or "1" in [one.strip() for one in totals]
    if plain.startswith("{"):
        filtered = '"filters":[[' in text or ('"results":[{' in text and '"meta"' not in text)
        return f'"{RARE}"' in plain or f'"{RARE_CITY}"' in plain or (filtered and "[1,1]" in plain)
    rows = list(csv.reader(io.StringIO(plain)))[1:]
    return any(row and (row[0] in (RARE, str(RARE_CITY)) or "1" in row[1:2]) for row in rows)


def test_24_a_lone_visitor_is_in_no_answer(context: Context) -> None:
    """
    On page, file, API, public page and shared link: nobody is named, and no number is about one.
    """
    site = with_a_lone_visitor(context)
    key = context.registry.keys.add("stats")[1]

    assert [] == [what for what, text in surfaces(context, site, key) if names_somebody(text)]


def test_24_without_the_gate_everything_names_them(context: Context) -> None:
    """
    Positive control: with `k=1` pages, files and API alike name the visitor.
    """
    site = with_a_lone_visitor(context, k=1)
    key = context.registry.keys.add("stats")[1]
    awaited = {"page", "public", "shared", "file", "graph", "totals", "v2", "v1"}
    for what, text in surfaces(context, site, key):
        if names_somebody(text):
            awaited.discard(what.split()[0])
        if not awaited:
            return

    assert not awaited


# ---- 25: differences -------------------------------------------------------------------------------------------------

Person = tuple[str, str, int]
"""Country, system and hash of one visitor."""
WINDOWS = Filter("is", "visit:os", ("Windows",))
NO_WINDOWS = Filter("is_not", "visit:os", ("Windows",))
NOT_RARE = Filter("is_not", "visit:country", ("NO",))
QUESTIONS: tuple[tuple[FilterTree, ...], ...] = (
    (WINDOWS,),
    (NOT_RARE,),
    (Filter("is", "visit:country", ("NO",)),),
    (WINDOWS, NOT_RARE),
    (FilterGroup("and", (WINDOWS, NOT_RARE)),),
    (FilterGroup("not", (FilterGroup("or", (NO_WINDOWS, FilterGroup("not", (NOT_RARE,)))),)),),
    (WINDOWS, Filter("is", "visit:country", ("SE", "DK"))),
    (WINDOWS, Filter("is", "visit:country", ("SE", "DK", "NO"))),
    (WINDOWS, Filter("is", "visit:country", ("NO",))),
    (NO_WINDOWS, NOT_RARE),
    (NO_WINDOWS,),
)  # fmt: skip


def fits(person: Person, tree: FilterTree) -> bool:
    """
    Tell whether somebody fits a filter: the store's rule in three lines, for many thousands of tries.
    """
    if isinstance(tree, FilterGroup):
        inner = [fits(person, one) for one in tree.filters]
        return all(inner) if tree.operator == "and" else any(inner) if tree.operator == "or" else not inner[0]
    assert isinstance(tree, Filter)
    return (person[("visit:country", "visit:os").index(tree.dimension)] in tree.values) != (tree.operator == "is_not")


def told(people: Sequence[Person], filters: tuple[FilterTree, ...], gate: Gate, *, whole_only: bool = False) -> Value:
    """
    Answer a filtered total as the gate lets it through.
    """

    def count(trees: Sequence[FilterTree]) -> list[int]:
        return [number for number, one in enumerate(people) if all(fits(one, tree) for tree in trees)]

    asked = [Verdict(filters)] if whole_only else verdicts(filters, gate.viewer)
    for verdict in asked:
        among = len(count(verdict.filters))
        if (among or not verdict.may_be_empty) and gate.withholds_total(among, len(count(verdict.parent))):
            return None
    here = count(filters)
    hashed = sum(people[number][2] for number in here)
    return gate.shown(("visitors",), [Cell((), (len(here),), len(here), hashed)])[0][0].metrics[0]


def crowd(chance: random.Random) -> list[Person]:
    """
    Eleven visitors; the first is the only one from Norway, and uses Windows in one case of two.
    """
    countries = ["NO", *(chance.choice(["SE", "DK"]) for _ in range(10))]
    return [(country, chance.choice(["Windows", "Mac"]), chance.getrandbits(32)) for country in countries]


def advantage(gate: Gate, *, whole_only: bool = False) -> float:
    """
    Tell by how many of 500 tries an attacker, who learnt from 2,000 others what each pattern of answers means,
    guesses the first visitor's system more often than somebody who sees how many use Windows at all.
    """
    chance = random.Random(20261129)
    learnt: dict[tuple[object, ...], list[int]] = {}
    known: dict[int, list[int]] = {}

    def seen(people: Sequence[Person]) -> tuple[tuple[object, ...], int]:
        answers = [told(people, filters, gate, whole_only=whole_only) for filters in QUESTIONS]
        first = answers[0]
        # What one answer is above another says more than either: so patterns are few, and well learnt.
        pattern = tuple(
            None if value is None or first is None else min(3, max(-3, int(first - value))) for value in answers
        )
        return pattern, sum(system == "Windows" for _, system, _ in people)

    def guess(votes: Sequence[int]) -> bool:
        return votes[1] >= votes[0]

    for _ in range(2_000):
        people = crowd(chance)
        pattern, windows = seen(people)
        truth = people[0][1] == "Windows"
        learnt.setdefault((windows, *pattern), [0, 0])[truth] += 1
        known.setdefault(windows, [0, 0])[truth] += 1
    better = 0
    for _ in range(500):
        people = crowd(chance)
        pattern, windows = seen(people)
        truth = people[0][1] == "Windows"
        by_base = guess(known.get(windows, [0, 0]))
        votes = learnt.get((windows, *pattern))
        better += ((guess(votes) if votes else by_base) == truth) - (by_base == truth)
    return better / 500


def public_gate(k: int = 5) -> Gate:
    return Gate(k, Viewer.PUBLIC, filtered=True, noise=Noise(b"a key of the site's own"))


def test_25_differences_tell_nothing_on_public_views() -> None:
    """
    Eleven questions about eleven people, one unique: the attacker guesses no better than by the base rate.
    """
    assert advantage(public_gate()) <= 0.05


def test_25_differences_tell_nothing_to_members() -> None:
    """
    The same through the API: a filter that singles somebody out is good for no combination either.
    """
    assert advantage(Gate(5, Viewer.MEMBER, filtered=True)) <= 0.05


def test_25_judging_the_whole_alone_would_tell() -> None:
    """
    Positive control: where only the answer itself is judged, or nothing is, the same attacker knows far more.
    """
    assert advantage(Gate(5, Viewer.MEMBER, filtered=True), whole_only=True) >= 0.1
    assert advantage(Gate(1, Viewer.MEMBER, filtered=True)) >= 0.3


def test_25_the_store_answers_as_the_model(context: Context) -> None:
    """
    What the statistics above are about is what is asked of real rows: withheld alike, and off by two at most.
    """
    chance = random.Random(1)
    for number in range(3):
        site = context.registry.sites.add(f"site{number}.test")
        people = [*crowd(chance), *crowd(chance), *(("SE", "Windows", 0) for _ in range(40))]
        happenings = [visitor(index, country=country, os=system) for index, (country, system, _) in enumerate(people)]
        insert(context.warehouse, site.id, happenings)
        for filters in QUESTIONS:
            expected = told(people, filters, Gate(5, Viewer.MEMBER, filtered=True))
            assert expected == visitors(context, site, Viewer.MEMBER, *filters), filters
            shown = visitors(context, site, Viewer.PUBLIC, *filters)
            assert (shown is None) == (told(people, filters, public_gate()) is None), filters
            if shown is not None and expected is not None:
                assert abs(shown - expected) <= (2 if expected < 50 else 0)


def test_25_ranges_do_not_differ_by_minutes(context: Context) -> None:
    """
    Filtered ranges are widened to whole hours, so one that ends a minute later is the same; the public has whole days.
    """
    site = context.registry.sites.add("site1.test")
    crowd_at = [Happening(moment(f"{TODAY}T10:{n:02d}:00"), f"v{n}", attributes={"os": "Mac"}) for n in range(12)]
    insert(context.warehouse, site.id, [*crowd_at, *(visitor(20 + n, os="Windows") for n in range(12))])
    mac = (Filter("is", "visit:os", ("Mac",)),)
    ranges = [(f"{TODAY}T10:00:00", f"{TODAY}T10:{minute:02d}:00") for minute in range(5, 11)]
    shown = [answer(context, site, StatsQuery(("visitors",), one, filters=mac)).rows[0].metrics[0] for one in ranges]
    one = context.registry.sites.change("site1.test", k=1)
    exact = [answer(context, one, StatsQuery(("visitors",), pair, filters=mac)).rows[0].metrics[0] for pair in ranges]
    shared = context.registry.shared_links.add(site.id, "Press")
    pages = [
        browser(context).get(f"/share/{shared.slug}", params={"period": period}).text for period in ("24h", "live")
    ]

    assert [12] * 6 == shown
    # Positive control: by seconds, each minute's visitor is the difference of two ranges.
    assert [6, 7, 8, 9, 10, 11] == exact
    assert all("period=day" in page for page in pages)


# ---- 26: averages ----------------------------------------------------------------------------------------------------


def equivalents() -> list[tuple[FilterTree, ...]]:
    """
    Fifty of two hundred ways to ask for the same visitors.
    """
    ways: list[FilterTree] = [Filter("is", "visit:os", ("Mac",)), Filter("matches", "visit:os", ("^Mac$",))]
    ways += [Filter("is", "visit:os", ("Mac",) + ("Mac",) * more) for more in range(1, 4)]
    ways += [Filter("is", "visit:os", (text,), case_sensitive=False) for text in ("mac", "MAC", "mAc")]
    ways += [Filter("contains", "visit:os", (text,)) for text in ("Mac", "Ma", "ac")]
    ways += [Filter("is_not", "visit:os", ("Windows",)), FilterGroup("not", (Filter("is", "visit:os", ("Windows",)),))]
    ways += [FilterGroup("or", (one, one)) for one in ways]
    pairs = [(first, second) for first in ways for second in ways]
    return [*((one,) for one in ways), *pairs][:200:4]


def test_26_asking_again_brings_nothing(context: Context) -> None:
    """
    The same people are the same number however they are asked for, so there is nothing to average; noise drawn anew
    for each question (positive control) would average out to the truth.
    """
    site = context.registry.sites.add("site1.test")
    people = [visitor(n, os="Mac" if n < 23 else "Windows") for n in range(60)]
    insert(context.warehouse, site.id, people)
    asked = equivalents()
    shown = {visitors(context, site, Viewer.PUBLIC, *filters) for filters in asked}
    anew = [Noise(number.to_bytes(4)).blurred("visitors", 23, 23, 77, 5) or 0 for number in range(200)]

    assert 50 == len(asked) and 1 == len(shown)
    assert {21, 22, 23, 24, 25} == set(anew) and abs(sum(anew) / 200 - 23) < 0.3


def sealed(context: Context, site: Site) -> None:
    with TemporaryDirectory() as state:
        seal_day(context.warehouse, Path(state), site_id=site.id, day=date.fromisoformat(TODAY), k=site.k)


def test_26_sealing_keeps_the_noise(context: Context) -> None:
    """
    A day's numbers on a public view are the same before and after its visitors got other ids.
    """
    site = context.registry.sites.add("site1.test")
    people = [visitor(n, os="Mac" if n % 2 else "Windows", page=f"/{n % 3}", browser="XY"[n % 2]) for n in range(44)]
    insert(context.warehouse, site.id, people)
    query = StatsQuery(
        ("visitors", "visits", "pageviews"),
        DAY,
        dimensions=("event:page",),
        filters=(Filter("is", "visit:os", ("Mac",)),),
    )
    before = answer(context, site, query, Viewer.PUBLIC)
    exact = answer(context, site, query)
    ids = context.warehouse.query("SELECT visitor_id FROM events ORDER BY 1")
    sealed(context, site)

    assert before == answer(context, site, query, Viewer.PUBLIC)
    assert exact == answer(context, site, query) and ids != context.warehouse.query(
        "SELECT visitor_id FROM events ORDER BY 1"
    )


def test_26_noise_is_for_filtered_small_numbers_of_the_public(context: Context) -> None:
    """
    Members, questions without a filter, larger numbers, nothing, and sites with `k=1` are exact.
    """
    site = context.registry.sites.add("site1.test")
    systems = [*["Mac"] * 23, *["Windows"] * 60, *["Linux"] * 30]
    insert(context.warehouse, site.id, [visitor(n, os=system, country="SE") for n, system in enumerate(systems)])
    mac, windows = Filter("is", "visit:os", ("Mac",)), Filter("is", "visit:os", ("Windows",))
    assert 23 == visitors(context, site, Viewer.MEMBER, mac)
    assert 60 == visitors(context, site, Viewer.PUBLIC, windows) and 113 == visitors(context, site, Viewer.PUBLIC)
    assert {"Mac": 23, "Windows": 60, "Linux": 30} == {
        row.dimensions[0]: row.metrics[0]
        for row in answer(context, site, StatsQuery(("visitors",), DAY, dimensions=("visit:os",)), Viewer.PUBLIC).rows
    }
    assert 23 == visitors(context, context.registry.sites.change("site1.test", k=1), Viewer.PUBLIC, mac)


@pytest.mark.parametrize("metric", list(METRICS))
def test_26_every_number_of_a_small_cell_is_off(metric: str) -> None:
    """
    With 200 keys each metric is off at some of them, never by more than two visitors' part, and never from or to 0.
    """
    value = 20 if metric == "visitors" else 40 if METRICS[metric].form in ("count", "percent") else 12.5
    shown = [Noise(key.to_bytes(4)).blurred(metric, value, 20, 99, 5) or 0 for key in range(200)]

    assert min(shown) < value < max(shown) and all(abs(one - value) <= value / 10 + 0.5 for one in shown)
    assert {0} == {Noise(key.to_bytes(4)).blurred(metric, 0, 20, 99, 5) for key in range(20)}
    assert {5} == {Noise(key.to_bytes(4)).blurred("visitors", 5, 5, 9, 5) or 0 for key in range(40)} - {6, 7}


# ---- 27: what a shared link opens ------------------------------------------------------------------------------------


def test_27_a_shared_link_opens_one_site(context: Context) -> None:
    """
    Another site, other parameters, a key made of the link, a panel that is not there: always the link's own dashboard,
    or one and the same refusal.
    """
    site = with_a_lone_visitor(context)
    other = context.registry.sites.add("other.test")
    insert(context.warehouse, other.id, [visitor(n, page="/secret") for n in range(30)])
    shared = context.registry.shared_links.add(site.id, "Press")
    stranger = browser(context)
    address = f"/share/{shared.slug}"
    given = ("site_id=other.test", "site=other.test", "domain=other.test", "segment=1", "f=nothing:x", "details=raw",
             "details=pages&f=hostname:other.test", "goals=props&prop=secret", "details=goals&goals=props")  # fmt: skip
    for query in given:
        page = stranger.get(f"{address}?{query}")
        assert 200 == page.status_code and "/secret" not in page.text, query
    refused = [
        stranger.get(path) for path in (f"{address}/raw", f"{address}/other.test", "/share/x", f"/share/{'a' * 40}")
    ]
    assert {404} == {one.status_code if one.status_code != 303 else 404 for one in refused}
    for path in (
        "/other.test",
        f"/other.test?slug={shared.slug}",
        f"/sites/site1.test/settings/general?ticket={shared.slug}",
    ):
        assert "/login" in stranger.get(path).headers["location"], path
    for key in (shared.slug, f"share_{shared.slug}"):
        question = {"site_id": "site1.test", "metrics": ["visitors"], "date_range": "day"}
        asked = ask_http(context, "POST", "/api/v2/query", key=key, json=question)
        assert 401 == asked.status_code
    # Positive control: the owner's own sign-in opens what the link does not.
    assert "/secret" in signed_in(context).get("/other.test?period=day").text


def test_27_filters_of_the_public_are_three(context: Context) -> None:
    """
    A fourth filter, by name or by value, is not taken; a member may have it.
    """
    site = context.registry.sites.add("site1.test")
    insert(context.warehouse, site.id, [visitor(n, os="Mac", browser="Firefox", country="SE") for n in range(30)])
    shared = context.registry.shared_links.add(site.id, "Press")
    filters = [("f", "os:Mac"), ("f", "browser:Firefox"), ("f", "country:SE"), ("f", "page:/"), ("period", "day")]
    query = "&".join(f"{name}={value}" for name, value in filters)
    doors = ((browser(context), f"/share/{shared.slug}"), (signed_in(context), "/site1.test"))
    taken = [client.get(f"{address}?{query}").text.count('class="chip"') for client, address in doors]

    assert [3, 4] == taken
