"""
Attack 24 on every surface there is: one visitor whom each attribute sets apart, looked for in pages, files, the whole
export, interfaces, public and shared views, embeds, the live view, funnels, journeys, comparisons and notes.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dashboard.context import Context
from dashboard.pages.panels import PANELS
from dashboard.stats.dimensions import DIMENSIONS
from tests.clocks import FakeClock
from tests.pages.browsing import TODAY, Browser, browser, signed_in
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.settings import load_settings

FOLDED: dict[str, str | int] = {
    "country": "IS", "region": "IS-1", "city": 2666199, "browser": "Lynx", "browser_version": "2.8.9", "os": "Plan 9",
    "os_version": "4.44", "device": "Ultra-wide", "utm_content": "lonecontent", "utm_term": "loneterm",
}  # fmt: skip
"""What sets the lone visitor apart and nobody may learn from a row."""
EXACT = {
    "source": "lonesource", "channel": "lonechannel", "referrer": "lone.example/x", "utm_source": "loneletter",
    "utm_medium": "lonemedium", "utm_campaign": "lonecampaign",
}  # fmt: skip
"""What signed-in people see in full, but under no filter, and the public never."""
CROWD: dict[str, str | int] = {
    "country": "SE", "region": "SE-AB", "city": 2673730, "browser": "Firefox", "browser_version": "130",
    "os": "Windows", "os_version": "11", "device": "Desktop", "source": "Google", "channel": "Organic Search",
}  # fmt: skip
PAGE, HOST, EVENT, PLAN = "/lonepage", "lone.test", "LoneEvent", "loneplan"
LABELS_FOLDED = ("Iceland", "IS-1", "2666199", "Lynx", "2.8.9", "Plan 9", "4.44", "Ultra-wide", "lonecontent",
                 "loneterm", PLAN)  # fmt: skip
LABELS_EXACT = (*EXACT.values(), PAGE, HOST, EVENT)
PERIOD = "period=custom&from=2026-11-22&to=2026-11-22"
ALONE = ("browser!:Firefox", "browser!~:Fire", "country!:SE")
"""Filters that leave the lone visitor, without naming anything of theirs."""


@pytest.fixture
def context(warehouse: Warehouse, clock: FakeClock, tmp_path: Path) -> Iterator[Context]:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    yield Context(warehouse, registry, clock, load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}))
    registry.close()


def with_a_lone_visitor(context: Context, k: int) -> Site:
    """
    Twenty people alike, today and yesterday, and today one who differs in everything.
    """
    site = context.registry.sites.change(context.registry.sites.add("site1.test").domain, k=k, public=True)
    goals = [
        context.registry.goals.add(site.id, kind="page", page_path="/"),
        context.registry.goals.add(site.id, kind="event", event_name=EVENT, display_name="Reached"),
    ]
    context.registry.funnels.add(site.id, "Way", [goal.id for goal in goals])
    context.registry.properties.add(site.id, "plan")
    context.registry.annotations.add(site.id, TODAY, "lonenote")
    found: list[Happening] = []
    for day in ("2026-11-21", TODAY):
        for number in range(20):
            at = moment(f"{day}T{number % 10:02d}:{number:02d}:00")
            props = {"plan": "free"}
            found += [
                Happening(at, f"v{number}", page=page, attributes=CROWD, props=props) for page in ("/", "/pricing")
            ]
    at = moment(f"{TODAY}T11:25:00")
    lone: dict[str, Any] = {"attributes": {**FOLDED, **EXACT}, "props": {"plan": PLAN}, "host": HOST}
    found += [Happening(at, "lone", page=page, **lone) for page in ("/", PAGE)]
    found.append(Happening(at, "lone", EVENT, page=PAGE, **lone))
    insert(context.warehouse, site.id, found)
    return site


def dashboards(member: Browser, stranger: Browser, shared: str) -> Iterator[tuple[str, bool, Callable[[str], str]]]:
    """
    Give the ways to a dashboard: name, whether it is for signed-in people, and how to get an address of it.
    """

    def through(client: Browser, address: str, more: str = "") -> Callable[[str], str]:
        def get(query: str) -> str:
            answer = client.get(f"{address}?{PERIOD}&{query}{more}")
            assert answer.status_code in (200, 403), (address, query, answer.status_code)
            return answer.text

        return get

    yield "member", True, through(member, "/site1.test")
    yield "public", False, through(stranger, "/site1.test")
    yield "shared", False, through(stranger, f"/share/{shared}")
    yield "embed", False, through(stranger, f"/share/{shared}", "&embed=true")


def looks(name: str) -> Iterator[str]:
    """
    List what is looked at through one door, beside every tab as a file.
    """
    yield "compare=previous&goals=funnels&pages=exit&locations=cities&devices=os"
    yield f"f={ALONE[0]}&compare=year&goals=funnels&locations=cities"
    yield f"f={ALONE[1]}&format=csv"
    yield "details=pages&pages=journeys&at=/&format=csv"
    if name in ("shared", "embed"):
        return  # the rest is the same code as for the public
    yield "goals=props&pages=journeys&at=/"
    yield f"period=live&f={ALONE[2]}"
    yield "details=devices&devices=browsers&search=ly"
    yield f"details=locations&locations=countries&f={ALONE[0]}"
    if name == "member":
        yield "details=devices&devices=browsers&f=browser:Lynx&format=csv"
        yield "details=devices&devices=os&f=os:Plan 9&format=csv"


def tabs() -> Iterator[str]:
    for panel, shown in PANELS.items():
        for tab in shown.tabs:
            if tab not in ("map", "journeys"):
                yield f"details={panel}&{panel}={tab}"


def pages(
    context: Context, site: Site, ways: tuple[str, ...] = ("member", "public", "shared", "embed")
) -> Iterator[tuple[str, bool, bool, str]]:
    """
    Give what each dashboard shows: where, whether to signed-in people, whether filtered, and the text.
    """
    shared = context.registry.shared_links.add(site.id, "Press").slug
    member = signed_in(context)
    for name, is_member, get in dashboards(member, browser(context), shared):
        if name not in ways:
            continue
        for query in looks(name):
            yield f"{name} {query}", is_member, "f=" in query, get(query)
        for tab in tabs() if name == "public" else ():
            yield f"{name} {tab}", is_member, False, get(f"{tab}&format=csv")
    for f in ("", ALONE[0]):
        answer = member.get(f"/site1.test?{PERIOD}&format=zip" + (f"&f={f}" if f else ""))
        with zipfile.ZipFile(io.BytesIO(answer.content)) as files:
            for file in files.namelist():
                yield f"zip {f} {file}", True, bool(f), files.read(file).decode()


FILTERED = ("visit:city", "visit:browser", "event:page", "time:hour")
"""Asked for with a filter, too; the gate is the same for all."""


def interfaces(context: Context) -> Iterator[tuple[str, bool, bool, str]]:
    """
    Give what the stats API answers to a key, as `pages` does.
    """
    _, key = context.registry.keys.add("stats")
    alone = [["is_not", "visit:browser", ["Firefox"]]]

    def get(path: str, **given: str) -> str:
        sent: Mapping[str, str] = {"site_id": "site1.test", "period": "day", **given}
        return ask_http(context, "GET", f"/api/v1/stats/{path}", key=key, params=sent).text

    for dimension in [*DIMENSIONS, "event:props:plan"]:
        for filters in ([], alone) if dimension in FILTERED else ([],):
            question = {"site_id": "site1.test", "metrics": ["visitors", "percentage"], "date_range": [TODAY, TODAY]}
            question |= {"dimensions": [dimension], "filters": filters, "include": {"total_rows": True}}
            answer = ask_http(context, "POST", "/api/v2/query", key=key, json=question)
            assert 200 == answer.status_code, answer.text
            rows = json.dumps(answer.json()["results"])
            yield f"v2 {dimension} {filters}", True, bool(filters), rows
    for dimension in ("visit:city", "visit:browser", "event:props:plan", "event:page"):
        for filters in ("", "visit:browser!=Firefox"):
            rows = get("breakdown", property=dimension, filters=filters)
            yield f"v1 {dimension} {filters}", True, bool(filters), rows
    for path, given in (("journey", {"page": "/"}), ("funnel", {"funnel": "Way"})):
        yield path, True, True, get(path, **given)
    for path in ("aggregate", "timeseries"):
        yield f"{path} filtered", True, True, get(path, filters="visit:browser!=Firefox")


def leaks(is_member: bool, is_filtered: bool, text: str) -> list[str]:
    """
    List what a surface tells of the lone visitor.
    """
    plain = unescape(text)
    labels = LABELS_FOLDED if is_member and not is_filtered else (*LABELS_FOLDED, *LABELS_EXACT)
    if not is_member:
        labels = (*labels, "lonenote")
    found = [label for label in labels if label in plain]
    if is_filtered and "<html" in plain:
        totals = re.findall(r'class="total-value[^"]*"[^>]*>([^<]*)<', plain)
        found += [f"total {total}" for total in totals if total.strip() not in ("–", "")]
    return found


def test_24_a_lone_visitor_is_on_no_surface(context: Context) -> None:
    """
    No label and no total of a single person, whoever looks and however they ask.
    """
    site = with_a_lone_visitor(context, 5)
    seen = [*pages(context, site), *interfaces(context)]
    told = {where: found for where, member, filtered, text in seen if (found := leaks(member, filtered, text))}

    assert len(seen) > 100
    assert {} == told


def test_24_the_same_surfaces_tell_without_the_gate(context: Context) -> None:
    """
    The control: with `k=1` every label of the lone visitor is on some surface.
    """
    site = with_a_lone_visitor(context, 1)
    told: set[str] = set()
    for _, member, filtered, text in pages(context, site, ways=("member",)):
        told.update(leaks(member, filtered, text))

    assert {*LABELS_FOLDED, *LABELS_EXACT} <= told
    assert "total 1" in told
