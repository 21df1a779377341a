"""
The owner of the windows: answers with reasons that add up, explains later without the address, tells sites only counts.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from daysalt.trial.play import FixedIds
from ingest.risk.observation import Mark
from ingest.risk.observer import identify
from ingest.risk.owner import Owner
from ingest.risk.question import Question
from ingest.risk.signals.catalogue import COUNTER_SIGNALS, GROUP_POINTS_MAX, SIGNALS
from ingest.risk.texts import TEXTS
from tests.clocks import FakeClock
from tests.ingest.risk.sights import ADDRESS, NOON, packed, sight

CURL = "curl/8.5.0"


def question(address: bytes = ADDRESS, **fields: Any) -> Question:
    known = identify(FixedIds(), address, NOON)
    assert known is not None
    return Question(known[0], known[1], "ip", **fields)


def owner_with_curls(clock: FakeClock, *, addresses: int = 1, site: int = 1) -> Owner:
    owner = Owner(clock, 1000)
    for number in range(addresses):
        address = bytes([192, 0, 2, number + 1])
        for step in range(20):
            owner.add(packed(sight(NOON + step * 50, address=address, user_agent=CURL, site=site, page=f"/{step}")))
    return owner


def test_points_of_an_answer_add_up_to_its_score() -> None:
    """
    Reasons and counter-reasons together are the score, and a person is left to decide.
    """
    answer = json.loads(owner_with_curls(FakeClock(NOON + 1000)).check(question()))

    points = sum(line["points"] for line in answer["reasons"] + answer["counter_reasons"])
    assert (points, "none", True) == (answer["score"], answer["decision"], answer["human_review_required"])
    assert "UA_LIB" in [line["code"] for line in answer["reasons"]]
    assert all({"en", "sv"} == set(line["text"]) for line in answer["reasons"])


def test_the_same_state_gives_the_same_answer() -> None:
    """
    Asked twice at one moment, everything is equal, the assessment's id too.
    """
    owner = owner_with_curls(FakeClock(NOON + 1000))

    assert owner.check(question()) == owner.check(question())


def test_an_unknown_address_is_answered_with_low_confidence() -> None:
    """
    Nothing known is no error and no clean bill.
    """
    answer = json.loads(Owner(FakeClock(NOON), 100).check(question()))

    assert (0, "low", "unclear") == (answer["score"], answer["confidence"], answer["class"])


@pytest.mark.parametrize("refused", ["RESTRICTED", "SIGNAL", "SITE_OFF"])
def test_an_objection_is_answered_without_a_score(refused: str) -> None:
    """
    Not assessed means no score, no evidence, and nothing kept.
    """
    owner = owner_with_curls(FakeClock(NOON + 1000))
    answer = json.loads(owner.check(question(refused=refused)))

    assert ("not_assessed", 0, [refused]) == (
        answer["class"], answer["score"], [line["code"] for line in answer["reasons"]]
    )  # fmt: skip
    assert 0 == answer["evidence"]["events_24h"]
    assert None is owner.explain(answer["assessment_id"])


def test_what_the_caller_saw_of_the_client_counts() -> None:
    """
    An address nobody saw today, asked about with a library's user agent, has that reason.
    """
    answer = json.loads(Owner(FakeClock(NOON), 100).check(question(marks=Mark.LIBRARY)))

    assert [("UA_LIB", 50)] == [(line["code"], line["points"]) for line in answer["reasons"]]


def test_an_assessment_is_explained_until_its_day_is_over() -> None:
    """
    By its id alone the same reasons are told again; after midnight UTC nothing is known of it.
    """
    clock = FakeClock(NOON + 1000)
    owner = owner_with_curls(clock)
    answer = json.loads(owner.check(question()))
    told = owner.explain(answer["assessment_id"])

    assert told is not None
    assert answer["score"] == told["score"] == sum(line["points"] for line in told["reasons"])
    clock.advance(seconds=86_400)
    assert None is owner.explain(answer["assessment_id"])
    assert 0 == owner.windows.rows.used


def test_feedback_counts_once_per_assessment() -> None:
    """
    A second word on an assessment replaces the first; an unknown one is refused.
    """
    owner = owner_with_curls(FakeClock(NOON + 1000))
    name = json.loads(owner.check(question()))["assessment_id"]

    assert [True, True, False] == [owner.judge(name, "wrong"), owner.judge(name, "right"), owner.judge("x", "right")]
    assert {("likely_automated", "wrong"): 0, ("likely_automated", "right"): 1} == owner.assessments.feedback


def test_a_forgotten_address_has_no_evidence() -> None:
    """
    After an erasure windows and assessments know nothing of the address.
    """
    owner = owner_with_curls(FakeClock(NOON + 1000))
    asked = question()
    name = json.loads(owner.check(asked))["assessment_id"]

    assert owner.forget_address(asked.rid)
    assert (0, None) == (json.loads(owner.check(asked))["score"], owner.explain(name))


def test_a_site_is_told_its_classes_above_k_only() -> None:
    """
    Counts by class of fewer than k addresses are not told, nor one that would give them away.
    """
    owner = owner_with_curls(FakeClock(NOON + 1000), addresses=8)
    for number in range(3):
        owner.add(packed(sight(NOON + number, address=bytes([198, 51, 100, number]), site=1)))

    few = owner.quality(1, "24h", 100)
    assert {None, 0} == {line["events"] for line in few["classes"]}
    enough = {line["class"]: line["events"] for line in owner.quality(1, "24h", 5)["classes"]}
    assert 163 == owner.quality(1, "24h", 5)["events"] == sum(enough.values())
    assert enough["likely_automated"] > 0
    assert "UA_LIB" in [reason["code"] for reason in owner.quality(1, "24h", 5)["reasons"]]
    assert [] == owner.quality(1, "24h", 9)["reasons"]
    assert 0 == owner.quality(2, "1h", 5)["events"]


def test_every_code_has_words() -> None:
    """
    Each signal and each limit is told in both languages.
    """
    codes = {signal.code for signal in (*SIGNALS, *COUNTER_SIGNALS)} | {
        f"LIMIT_{group.upper()}" for group in GROUP_POINTS_MAX
    }

    assert set() == codes - set(TEXTS)
    assert all(english and swedish and english != swedish for english, swedish in TEXTS.values())


def test_declared_robots_are_divided_off() -> None:
    """
    Robots that say so are a class of a site's traffic of their own, from their first hit on.
    """
    owner = Owner(FakeClock(NOON + 1000), 1000)
    for number in range(9):
        robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        owner.add(packed(sight(NOON + number, address=bytes([198, 51, 100, number]), site=1, user_agent=robot)))
    classes = {each["class"]: each["events"] for each in owner.quality(1, "24h", 5)["classes"]}

    assert (9, 0) == (classes["declared_bot"], classes["likely_automated"])
