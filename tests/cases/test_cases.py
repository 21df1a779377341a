"""
All cases of `cases_events.json`, sent over HTTP to a running server and compared with what it answered and stored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from ingest.decode import decode
from tests.cases.world import DIFFERENT, ELSEWHERE, Told, all_cases, play
from tests.ingest.cases import body_of

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

CASES = all_cases()
Check = Callable[[Told, Any, dict[str, Any]], None]
COLUMNS = {
    "click_id_param": "click_id", "referrer_source": "source", "acquisition_channel": "channel",
    "operating_system": "os", "operating_system_version": "os_version", "screen_size": "device",
    "country_code": "country", "engagement_time": "engagement_ms", "revenue_reporting_amount": "revenue_amount",
    "revenue_reporting_currency": "revenue_currency",
}  # fmt: skip
VISIT_FIELDS = frozenset({
    "entry_page", "exit_page", "hostname", "exit_page_hostname", "is_bounce", "duration", "pageviews", "events",
    "start", "timestamp",
})  # fmt: skip
REASONS = {
    "not_found": "unknown_site", "bot": "bot", "spam_referrer": "spam_referrer", "dc_ip": "datacenter",
    "threat_ip": "threat", "no_session_for_engagement": "no_visit", "site_country_blocklist": "country_blocked",
    "site_page_blocklist": "page_blocked",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    return play(tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['id']}-{case['area']}") for case in CASES])
def test_case(case: dict[str, Any], world: dict[str, Told]) -> None:
    """
    A case's requests are answered and stored as the events API does, where the contract does not differ.
    """
    if case["id"] in DIFFERENT or case["id"] in ELSEWHERE:
        pytest.skip(DIFFERENT.get(case["id"]) or ELSEWHERE[case["id"]])
    told, expect = world[case["id"]], dict(case["expect"])
    expect.pop("note", None)
    # The one expectation in words.
    if expect.pop("assert_", None):
        assert told.events[1]["ts"] > told.events[0]["ts"]
    for name, value in expect.items():
        _CHECKS[name](told, value, case)


def test_list_of_differences() -> None:
    """
    There are 182 cases, and those not compared are named with a reason.
    """
    ids = {case["id"] for case in CASES}

    assert 182 == len(CASES) == len(ids)
    assert {*DIFFERENT, *ELSEWHERE} <= ids
    assert 6 == len({*DIFFERENT, *ELSEWHERE})


def test_differences(world: dict[str, Told]) -> None:
    """
    Where we differ we do what we say: 413 for a large body, no limits, and amounts as they were sent.
    """
    assert [413] == [answer.status_code for answer in world["EV-007"].answers]
    assert (1, 2) == (len(world["EV-072"].events), len(world["EV-073"].events))
    assert ("10.2", "USD") == _money(world["EV-119"].events[0])


def _headers(told: Told, value: dict[str, str], case: dict[str, Any]) -> None:
    assert value == {name: told.answers[0].headers.get(name) for name in value}


def _dropped(told: Told, value: list[str], case: dict[str, Any]) -> None:
    reasons = [REASONS[name] for name in value]
    if reasons == ["no_visit"]:
        # Known in the drain only, so the answer is a plain 202.
        assert "x-daysalt-dropped" not in told.answers[0].headers
    else:
        assert ",".join(dict.fromkeys(reasons)) == told.answers[0].headers["x-daysalt-dropped"]
    known = [reason for reason in reasons if reason != "unknown_site"]
    assert {reason: known.count(reason) for reason in known} == told.drops


def _event(told: Told, value: dict[str, Any], case: dict[str, Any]) -> None:
    _same_row(told.events[0], value)


def _event_last(told: Told, value: dict[str, Any], case: dict[str, Any]) -> None:
    _same_row(told.events[-1], value)


def _events(told: Told, value: list[dict[str, Any]], case: dict[str, Any]) -> None:
    assert len(value) == len(told.events)
    for row, expected in zip(told.events, value, strict=True):
        _same_row(row, expected)


def _session(told: Told, value: dict[str, Any], case: dict[str, Any]) -> None:
    (visit,) = told.visits
    _same_row(told.events[0], {name: wanted for name, wanted in value.items() if name not in VISIT_FIELDS})
    start, end = (datetime.fromisoformat(visit[name]) for name in ("start", "end"))
    none = [4294967295, 0]
    entry, left = (page if page[0] not in none else [0, "", ""] for page in (visit["entry"], visit["exit"]))
    stored = {
        "entry_page": entry[2], "exit_page": left[2], "hostname": entry[1], "exit_page_hostname": left[1],
        "is_bounce": visit["pageviews"] < 2 and visit["interactions"] == 0, "duration": (end - start).seconds,
        "pageviews": visit["pageviews"], "events": visit["events"],
        "start": "t0" if visit["start"] == told.events[0]["ts"] else visit["start"],
        "timestamp": "t0" if visit["end"] == told.events[0]["ts"] else visit["end"],
    }  # fmt: skip
    wanted = {name: wanted for name, wanted in value.items() if name in VISIT_FIELDS}
    assert wanted == {name: stored[name] for name in wanted}


def _request(told: Told, value: dict[str, Any], case: dict[str, Any]) -> None:
    """
    What the case says of the request as understood, before anything is stored.
    """
    beacon = decode(body_of(case))
    for name, wanted in value.items():
        if name == "domains":
            assert wanted == list(beacon.domains)
        elif name == "referrer":
            assert wanted == beacon.referrer
        elif name == "revenue":
            money = _money(told.events[0])
            assert (wanted or ["0", ""]) == [*money]
        elif name == "tracker_script_version":
            assert wanted == case["request"]["body"]["v"]  # accepted, and of no use to anybody's statistics
        else:
            assert wanted == told.events[0][name]


def _user_ids(told: Told, value: str, case: dict[str, Any]) -> None:
    ids = [row["visitor_id"] for row in told.events]
    assert (len(ids), 1 if value == "equal" else 2) == (2, len(set(ids)))


def _same_row(row: dict[str, Any], expected: dict[str, Any]) -> None:
    stored: dict[str, Any] = {}
    for name, wanted in expected.items():
        if name == "props_count":
            stored[name] = len(row["props"])
        elif name == "interactive":
            stored[name] = bool(row[name])
        elif name == "scroll_depth" and row["name"] != "engagement":
            # Of what is no engagement the depth is not known, which has a number of its own here.
            stored[name] = 0 if row[name] == 255 else row[name]
        elif name == "revenue_reporting_amount":
            stored[name] = _money(row)[0]
        else:
            stored[name] = row[COLUMNS.get(name, name)]
        assert wanted == stored[name], name


def _money(row: dict[str, Any]) -> tuple[str, str]:
    return format(Decimal(row["revenue_amount"]).normalize(), "f"), row["revenue_currency"]


def _is(read: Callable[[Told], object]) -> Check:
    def check(told: Told, value: Any, case: dict[str, Any]) -> None:
        assert value == read(told)

    return check


def _json_includes(told: Told, value: dict[str, Any], case: dict[str, Any]) -> None:
    answer = told.answers[0].json()
    assert value == {name: answer.get(name) for name in value}


_CHECKS: dict[str, Check] = {
    "status": _is(lambda told: told.answers[0].status_code),
    "status_last": _is(lambda told: told.answers[-1].status_code),
    "statuses": _is(lambda told: [answer.status_code for answer in told.answers]),
    "body_text": _is(lambda told: told.answers[0].text),
    "json": _is(lambda told: told.answers[0].json()),
    "json_last": _is(lambda told: told.answers[-1].json()),
    "json_includes": _json_includes,
    "error_keys": _is(lambda told: sorted(told.answers[0].json()["errors"])),
    "headers": _headers,
    "dropped": _dropped,
    "stored_events": _is(lambda told: len(told.events)),
    "event": _event,
    "event_last": _event_last,
    "events": _events,
    "session": _session,
    "sessions_count": _is(lambda told: len(told.visits)),
    "request": _request,
    "user_ids": _user_ids,
}
