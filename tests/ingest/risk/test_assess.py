"""
The sum: reasons and counter-reasons add up to the score, limits are shown, and classes follow the published rules.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ingest.risk.assess import AUTOMATED_FROM, Assessment, assess, not_assessed
from ingest.risk.evidence import Evidence, Neighbourhood, NetworkFacts, NetworkKind
from ingest.risk.signals.catalogue import COUNTER_SIGNALS, GROUP_POINTS_MAX, SIGNALS

COUNTS = (
    "total", "events_1m", "events_10m", "events_1h", "views", "owed_views", "readings", "engaged_ms", "conversions",
    "purchases", "orphans", "repeats", "quick_views", "gaps", "whole_seconds", "sites", "pages", "agents", "looked",
    "headers_impossible", "origin_wrong", "declared_bot", "library", "empty_agent", "ancient_agent", "headless",
    "spam_referrer", "last_ms", "watched_ms",
)  # fmt: skip
KINDS: tuple[NetworkKind, ...] = ("", "hosting", "vpn", "tor", "relay", "crawler")
READER = Evidence(
    total=40, views=20, owed_views=20, readings=18, engaged_ms=400_000, pages=9, agents=1, looked=40,
    watched_ms=7_200_000, last_ms=3_600_000, network=NetworkFacts(known=True),
)  # fmt: skip

anything = st.builds(
    Evidence,
    **{name: st.integers(0, 20_000) for name in COUNTS},
    gap_variation=st.floats(0, 3),
    hours=st.integers(0, 2**24 - 1),
    neighbours=st.builds(
        Neighbourhood, *[st.integers(0, 5000)] * 6
    ),
    network=st.builds(
        NetworkFacts, kind=st.sampled_from(KINDS), unroutable=st.sampled_from(("", "private"))
    ),
)  # fmt: skip


def added_up(assessment: Assessment) -> int:
    return sum(reason.points for reason in (*assessment.reasons, *assessment.counter_reasons))


@given(anything)
def test_reasons_add_up_to_the_score(evidence: Evidence) -> None:
    """
    Whatever is known, the points add up, the score is between 0 and 100, and the same evidence gives the same.
    """
    assessment = assess(evidence)

    assert assessment.score == added_up(assessment)
    assert 0 <= assessment.score <= 100
    assert assessment == assess(evidence)


@given(anything)
def test_no_group_counts_for_more_than_its_limit(evidence: Evidence) -> None:
    """
    The limit is itself a reason, so that each group stays at or below it.
    """
    reasons = assess(evidence).reasons
    for group, points_max in GROUP_POINTS_MAX.items():
        limits = sum(reason.points for reason in reasons if reason.code == f"LIMIT_{group.upper()}")
        assert points_max >= limits + sum(reason.points for reason in reasons if reason.group == group)


@given(st.sampled_from(KINDS), st.integers(0, 10**6))
def test_network_and_speed_alone_never_say_automated(kind: NetworkKind, rate: int) -> None:
    """
    Tor, a VPN or a data centre is no proof, nor is speed: each alone stays "unclear" at most.
    """
    network = replace(READER, network=NetworkFacts(known=True, kind=kind, unroutable="private"))
    speed = replace(READER, events_1m=rate, events_10m=rate, events_1h=rate, total=rate)

    for evidence in (network, speed):
        assert assess(evidence).class_ in ("unclear", "likely_human")


@given(anything)
def test_points_stay_within_what_is_published(evidence: Evidence) -> None:
    """
    No signal gives more points than its entry says, and only counter-signals take points away.
    """
    for signal in SIGNALS:
        finding = signal.find(evidence)
        assert finding is None or 0 < finding.points <= signal.points_max, signal.code
    for signal in COUNTER_SIGNALS:
        finding = signal.find(evidence)
        assert finding is None or 0 > finding.points >= signal.points_max, signal.code


FIRES = {
    "NET_HOSTING": {"network": NetworkFacts(kind="hosting")},
    "NET_TOR": {"network": NetworkFacts(kind="tor")},
    "NET_VPN": {"network": NetworkFacts(kind="vpn")},
    "BOGON": {"network": NetworkFacts(unroutable="private")},
    "UA_BOT": {"declared_bot": 40},
    "UA_LIB": {"library": 40},
    "UA_EMPTY": {"empty_agent": 40},
    "UA_ANCIENT": {"ancient_agent": 40},
    "UA_HEADLESS": {"headless": 40},
    "HDR_IMPOSSIBLE": {"headers_impossible": 40},
    "ORIGIN_MISMATCH": {"origin_wrong": 40},
    "FAN_UA": {"agents": 30, "readings": 0},
    "VEL_1M": {"events_1m": 400},
    "VEL_10M": {"events_10m": 400},
    "VEL_1H": {"events_1h": 2000},
    "VEL_24H": {"total": 9000},
    "VEL_NET": {"neighbours": Neighbourhood(700, 30, 500, 0)},
    "ZERO_DWELL": {"readings": 0},
    "QUICK_PAGES": {"readings": 0, "views": 60, "quick_views": 40},
    "FAN_PATHS": {"readings": 0, "pages": 20},
    "SAME_PAGE": {"readings": 0, "pages": 1},
    "BEAT": {"gaps": 19, "gap_variation": 0.02},
    "NIGHT_FLAT": {"readings": 0, "hours": 2**20 - 1},
    "FAN_SITES": {"sites": 40},
    "NET_SILENT": {"readings": 0, "neighbours": Neighbourhood(700, 30, 500, 0)},
    "REPLAY": {"repeats": 10},
    "CONV_NO_VIEW": {"views": 0, "orphans": 5},
    "CONV_RATIO": {"purchases": 90},
    "REF_SPAM": {"spam_referrer": 40},
}


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.code)
def test_each_signal_finds_its_own_evidence_and_nothing_in_a_reader(signal: object) -> None:
    """
    Every signal fires on what it is there for, says nothing of an ordinary reader, and tells its reasoning.
    """
    from ingest.risk.findings import Signal

    assert isinstance(signal, Signal)
    assert None is signal.find(READER)
    assert signal.find(replace(READER, **FIRES[signal.code])) is not None  # type: ignore[arg-type]  # fields by name
    assert len(signal.reasoning) > 60


def test_a_reader_is_likely_human() -> None:
    """
    Reading times of human length on most pages speak for a person.
    """
    assert ("likely_human", 0, "high") == (assess(READER).class_, assess(READER).score, assess(READER).confidence)


def test_nothing_known_is_unclear_with_low_confidence() -> None:
    """
    Unknown is not clean.
    """
    assessment = assess(Evidence())

    assert ("unclear", "low", 0) == (assessment.class_, assessment.confidence, assessment.score)


def test_a_crawler_in_its_published_range_is_verified() -> None:
    """
    It says it is a bot and comes from where that bot comes from; only saying so is not enough.
    """
    says_so = replace(READER, declared_bot=40, readings=0)

    assert "likely_automated" == assess(says_so).class_
    assert "verified_bot" == assess(replace(says_so, network=NetworkFacts(known=True, kind="crawler"))).class_


def test_one_robot_on_a_shared_line_is_not_the_line() -> None:
    """
    A monitor beside many readers leaves the line's people alone.
    """
    assert assess(replace(READER, total=400, declared_bot=30)).score < AUTOMATED_FROM


def test_not_assessed_says_why() -> None:
    """
    After an objection there is no score, and the reason is the only line.
    """
    assessment = not_assessed("RESTRICTED")

    assert ("not_assessed", 0, ["RESTRICTED"]) == (
        assessment.class_, assessment.score, [reason.code for reason in assessment.reasons]
    )  # fmt: skip


def test_one_browser_at_many_addresses_is_told_from_a_crowd() -> None:
    """
    Ten silent addresses with one browser are one sender at once; with two and more they may be a crowd that
    a message called and that had no time to read yet, and only later a sender who draws browsers.
    """
    crowd = Neighbourhood(addresses_10m=30, agents_10m=2, views=40, busy_ms=60_000)
    hopper = Neighbourhood(addresses_10m=10, agents_10m=1, views=10, busy_ms=5_000)
    told = [
        "NET_SILENT" in [reason.code for reason in assess(Evidence(total=1, neighbours=neighbours)).reasons]
        for neighbours in (crowd, hopper, replace(crowd, busy_ms=600_000), replace(crowd, busy_ms=600_000, readings=5))
    ]

    assert [False, True, True, False] == told


def test_what_came_just_now_may_still_be_read() -> None:
    """
    Two dozen tabs within ten minutes are waited for; one page two dozen times is no tab, and
    what nobody read for longer is not waited for.
    """
    tabs = Evidence(total=25, views=25, owed_views=25, events_10m=25, pages=12, agents=1)
    codes = [
        [reason.code for reason in assess(evidence).reasons]
        for evidence in (tabs, replace(tabs, pages=1), replace(tabs, events_10m=5))
    ]

    assert [False, True, True] == ["ZERO_DWELL" in found for found in codes]
