"""
Hop 3: what is kept of a hit, what is dropped and why; and the events API's black-box cases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from ingest.decode import Beacon, WireError, decode
from ingest.enrich import (
    EnrichTools,
    SiteRules,
    is_spam_referrer,
    read_spam_hosts,
    screen_and_enrich,
    seed_spam_hosts,
)
from ingest.hit import Agent, Dropped, DropReason, EnrichedHit, Hit, Origin, Page, Place
from ingest.place import PlaceReader
from ingest.shields import compile_shields
from tests.clocks import FakeClock
from tests.ingest.cases import CHROME, address_of, body_of, cases, engagement_cases, header_of, hit_of, pageview

SITE = SiteRules(id=1, domain="example.com")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> EnrichTools:
    path = tmp_path_factory.mktemp("lists") / "country.mmdb"
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet(["216.160.83.0/24"]), {"country": {"iso_code": "US"}})
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": {"iso_code": "SE"}})
    writer.to_db_file(str(path))
    return EnrichTools(PlaceReader(path, FakeClock()))


def kept(hit: Hit, tools: EnrichTools, site: SiteRules = SITE) -> EnrichedHit:
    result = screen_and_enrich(hit, site, tools)
    assert isinstance(result, EnrichedHit)
    return result


def reason(hit: Hit, tools: EnrichTools, site: SiteRules = SITE) -> DropReason:
    result = screen_and_enrich(hit, site, tools)
    assert isinstance(result, Dropped)
    return result.reason


def test_pageview_is_enriched(tools: EnrichTools) -> None:
    """An ordinary pageview gets its page, agent, place and origin."""
    hit = pageview("https://www.example.com/a?utm_campaign=x", "https://duckduckgo.com/")
    expected = EnrichedHit(
        hit,
        Page("example.com", "/a", "example.com", utm_campaign="x"),
        Agent("Chrome", "126.0", "Windows", "10", "Desktop"),
        Place("SE"),
        Origin("duckduckgo.com", "DuckDuckGo", "Organic Search"),
    )

    assert kept(hit, tools) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"referrer": "https://www.1-best-seo.com/x"}, DropReason.SPAM_REFERRER),
        ({"user_agent": "Daysalt-Verification/1"}, DropReason.VERIFICATION),
        ({"ip_type": "dc_ip"}, DropReason.DATACENTER),
        ({"ip_type": "threat_ip"}, DropReason.THREAT),
        ({"user_agent": "curl/8.5.0"}, DropReason.BOT),
        ({"signal": True, "name": "Signup"}, DropReason.SIGNAL),
    ],
)
def test_drops(changes: dict[str, Any], expected: DropReason, tools: EnrichTools) -> None:
    """Each reason has a hit that is dropped for it."""

    assert reason(msgspec.structs.replace(pageview(), **changes), tools) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"hostname": ["other.com"]}, DropReason.HOSTNAME_NOT_ALLOWED),
        ({"page": ["/"]}, DropReason.PAGE_BLOCKED),
        ({"ip": ["198.51.100.0/24"]}, DropReason.IP_BLOCKED),
        ({"country": ["se"]}, DropReason.COUNTRY_BLOCKED),
    ],
)
def test_shields_drop(rules: dict[str, list[str]], expected: DropReason, tools: EnrichTools) -> None:
    """A site's own rules drop with their own reasons."""

    assert reason(pageview(), tools, replace(SITE, shields=compile_shields(**rules))) == expected


def test_first_reason_wins(tools: EnrichTools) -> None:
    """A hit that breaks several rules is counted once, for the first in the documented order."""
    site = replace(SITE, shields=compile_shields(page=["/"], ip=["198.51.100.7"]))
    hit = msgspec.structs.replace(pageview(), user_agent="curl/8.5.0")

    assert reason(hit, tools, site) == DropReason.PAGE_BLOCKED


def test_odd_user_agents_count(tools: EnrichTools) -> None:
    """No user agent, or an odd one, is no reason to drop."""

    assert kept(pageview(user_agent=""), tools).agent == Agent()
    assert kept(pageview(user_agent="unknown UA"), tools).agent == Agent()


def test_vpn_verdict_hides_the_country(tools: EnrichTools) -> None:
    """Behind a VPN the country is A1, which a shield can name."""

    assert kept(pageview(ip_type="anonymous_vpn_ip"), tools).place == Place("A1")


def test_signal_keeps_page_hostname_and_hour_only(tools: EnrichTools) -> None:
    """Under GPC or DNT nothing but the page is left of a pageview."""
    beacon = Beacon(
        name="pageview", url="https://example.com/a?utm_source=fb&gclid=1", domains=("example.com",),
        referrer="https://b.test/", props={"plan": "x"}, revenue=(Decimal(1), "EUR"),
    )  # fmt: skip
    result = kept(hit_of(beacon, signal=True), tools)

    assert (result.page, result.agent, result.place, result.origin, dict(result.props)) == (
        Page("example.com", "/a", "example.com"), Agent(), Place(), Origin(), {},
    )  # fmt: skip
    assert (result.hit.referrer, dict(result.hit.props), result.hit.revenue) == ("", {}, None)


def test_site_may_drop_signals(tools: EnrichTools) -> None:
    """A site that asks for it does not count GPC and DNT at all."""

    assert reason(pageview(signal=True), tools, replace(SITE, signals="drop")) == DropReason.SIGNAL


def test_path_property_of_not_found_pages(tools: EnrichTools) -> None:
    """A 404 is given its path, unless it was sent."""
    beacon = Beacon(name="404", url="https://example.com/lost", domains=("example.com",), props={"z": "1"})
    named = Beacon(name="404", url="https://example.com/lost", domains=("example.com",), props={"path": "/own"})

    assert list(kept(hit_of(beacon), tools).props.items()) == [("path", "/lost"), ("z", "1")]
    assert dict(kept(hit_of(named), tools).props) == {"path": "/own"}


def test_paid_click_fills_the_medium(tools: EnrichTools) -> None:
    """A Google click id without a medium gets one; a sent medium stays."""
    google = "https://www.google.com/"

    assert kept(pageview("https://example.com/?gclid=1", google), tools).page.utm_medium == "(gclid)"
    assert kept(pageview("https://example.com/?gclid=1&utm_medium=x", google), tools).page.utm_medium == "x"
    assert kept(pageview("https://example.com/?gclid=1", "https://b.test/"), tools).page.utm_medium == ""


def test_spam_list() -> None:
    """A host on the list counts with all below it, and notes in the list are no hosts."""
    hosts = read_spam_hosts("# note\n\nwww.Spam.test\n")

    assert hosts == {"spam.test"}
    assert is_spam_referrer("https://a.spam.test/x", hosts)
    assert not is_spam_referrer("https://notspam.test/", hosts)
    assert not is_spam_referrer("", hosts)
    assert len(seed_spam_hosts()) > 50


def test_repr_hides_everything(tools: EnrichTools) -> None:
    """An enriched hit never shows itself."""

    assert repr(kept(pageview(), tools)) == "<EnrichedHit, personal>"


PLACELESS = EnrichTools(PlaceReader(None, FakeClock()))


@given(
    url=st.text(max_size=200) | st.from_regex(r"https?://[a-z.]{1,20}/[^\\x00]{0,60}", fullmatch=True),
    referrer=st.text(max_size=100),
    user_agent=st.text(max_size=100),
    signal=st.booleans(),
)
def test_anything_is_kept_dropped_or_refused(url: str, referrer: str, user_agent: str, signal: bool) -> None:
    """Whatever a beacon says, it is enriched, dropped for a reason, or refused."""
    hit = pageview(url, referrer, user_agent=user_agent, signal=signal)
    try:
        result = screen_and_enrich(hit, SITE, PLACELESS)
    except WireError as error:
        assert error.field == "url"
        return

    assert isinstance(result, Dropped | EnrichedHit)


# What the events API calls the columns and reasons that are ours under another name.
COLUMNS = {
    "hostname": "page.hostname", "pathname": "page.pathname", "utm_source": "page.utm_source",
    "utm_medium": "page.utm_medium", "utm_campaign": "page.utm_campaign", "utm_content": "page.utm_content",
    "utm_term": "page.utm_term", "click_id_param": "page.click_id", "referrer": "origin.referrer",
    "referrer_source": "origin.source", "acquisition_channel": "origin.channel", "browser": "agent.browser",
    "browser_version": "agent.browser_version", "operating_system": "agent.os",
    "operating_system_version": "agent.os_version", "screen_size": "agent.device", "country_code": "place.country",
    "name": "hit.name", "interactive": "hit.interactive", "props": "props",
}  # fmt: skip
REASONS = {
    "dc_ip": DropReason.DATACENTER, "threat_ip": DropReason.THREAT, "bot": DropReason.BOT,
    "spam_referrer": DropReason.SPAM_REFERRER, "site_country_blocklist": DropReason.COUNTRY_BLOCKED,
    "site_page_blocklist": DropReason.PAGE_BLOCKED, "site_ip_blocklist": DropReason.IP_BLOCKED,
    "site_hostname_allowlist": DropReason.HOSTNAME_NOT_ALLOWED,
}  # fmt: skip
# Decided by other hops: unknown sites and limits by the collector, visits by the drain.
ELSEWHERE = {"not_found", "block", "throttle", "no_session_for_engagement"}


def site_of(case: Mapping[str, Any]) -> SiteRules:
    given = cast("dict[str, Any]", case.get("given", {}))
    return replace(
        SITE,
        shields=compile_shields(
            ip=given.get("shield_ip", ()),
            country=given.get("shield_country", ()),
            page=given.get("shield_page", ()),
            hostname=given.get("shield_hostname_allow", ()),
        ),
    )


def stored(enriched: EnrichedHit, column: str) -> object:
    value: object = enriched
    for part in COLUMNS[column].split("."):
        value = getattr(value, part)
    return dict(cast("Mapping[str, str]", value)) if column == "props" else value


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['id']}-{case['area']}") for case in cases()])
def test_black_box_case(case: Mapping[str, Any], tools: EnrichTools) -> None:
    """A case's request is refused, dropped or stored as the events API does."""
    expect = cast("dict[str, Any]", case["expect"])
    if expect.get("status") == 400:
        with pytest.raises(WireError) as caught:
            decode(body_of(case))
        if "json" in expect:
            assert caught.value.as_json() == expect["json"]
        if "error_keys" in expect:
            assert sorted(caught.value.errors) == expect["error_keys"]
        return
    beacon = decode(body_of(case))
    hit = hit_of(
        beacon,
        user_agent=header_of(case, "User-Agent"),
        address=address_of(case),
        ip_type=header_of(case, "X-Plausible-IP-Type"),
    )
    result = screen_and_enrich(hit, site_of(case), tools)
    dropped = set(expect.get("dropped", ())) - ELSEWHERE
    if dropped:
        assert isinstance(result, Dropped)
        assert {result.reason} == {REASONS[name] for name in dropped}
        assert len(expect["dropped"]) == len(beacon.domains)
        return
    assert isinstance(result, EnrichedHit)
    columns = {**expect.get("event", {}), **expect.get("session", {})}
    wanted = {column: value for column, value in columns.items() if column in COLUMNS}
    assert {column: stored(result, column) for column in wanted} == wanted
    if "domains" in expect.get("request", {}):
        assert list(beacon.domains) == expect["request"]["domains"]
    if "revenue" in expect.get("request", {}):
        amount_and_code = [str(part) for part in beacon.revenue] if beacon.revenue else None
        assert amount_and_code == expect["request"]["revenue"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in engagement_cases()])
def test_engagement_case(case: Mapping[str, Any]) -> None:
    """An engagement's depth and time are read or refused as the events API does."""
    body, expect = json.dumps(case["requests"][-1]["body"]).encode(), cast("dict[str, Any]", case["expect"])
    if "json_last" in expect:
        with pytest.raises(WireError) as caught:
            decode(body)
        assert caught.value.as_json() == expect["json_last"]
        return
    beacon = decode(body)

    assert (beacon.name, beacon.scroll_depth, beacon.engagement_ms) == (
        expect["event_last"]["name"],
        expect["event_last"]["scroll_depth"],
        expect["event_last"]["engagement_time"],
    )


def test_ordinary_browser_of_these_tests_is_no_bot(tools: EnrichTools) -> None:
    """The browser the other tests pretend to be is one."""

    assert kept(pageview(user_agent=CHROME), tools).agent.browser == "Chrome"


def test_data_centres_are_dropped_where_a_site_says_so() -> None:
    """
    The network list is asked only for a site that drops data centres.
    """
    asked: list[object] = []

    def is_datacenter(address: object) -> bool:
        asked.append(address)
        return True

    tools = EnrichTools(PlaceReader(None), is_datacenter)
    dropping = replace(SITE, datacenter="drop")

    assert not isinstance(screen_and_enrich(pageview(), SITE, tools), Dropped)
    assert [] == asked
    assert Dropped(DropReason.DATACENTER) == screen_and_enrich(pageview(), dropping, tools)
