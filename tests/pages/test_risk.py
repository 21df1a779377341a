"""
The analysts' page, against a stand-in of the keeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from dashboard.context import Context
from tests.pages.browsing import EMAIL, PASSWORD, Browser, browser, form_token, signed_in
from tests.pages.keeper import answering
from warehouse.data_dir import KEEPER_SOCKET
from warehouse.local_socket import Fields

ADDRESS = "203.0.113.77"
WORDS = {"en": "The address belongs to a data centre.", "sv": "Adressen hör till ett datacenter."}
ANSWER: Fields = {
    "assessment_id": "0a1b2c", "model": "rules-1", "data": {"geo": "2026-11-01", "asn": None, "bots": "1.0"},
    "subject": "ip", "score": 10, "band": "low", "confidence": "low", "probability": 0.1, "class": "unclear",
    "reasons": [{"code": "NET_HOSTING", "group": "network", "points": 20, "value": "Example Cloud", "text": WORDS}],
    "counter_reasons": [{"code": "DWELL_OK", "group": "behaviour", "points": -10, "value": 9,
                         "text": {"en": "Pages are read.", "sv": "Sidor läses."}}],
    "evidence": {"events_1m": 1, "events_10m": 2, "events_1h": 3, "events_24h": 1234, "hours": [8, 9]},
    "decision": "none", "human_review_required": True, "notice": {"en": "Advice only.", "sv": "Endast råd."},
}  # fmt: skip
REQUEST: Fields = {
    "id": "4daf6d3d", "kind": "lookup", "actor": "bo@site1.test", "purpose": "fraud_risk", "ticket": "FRAUD-17",
    "site": "", "created_ms": 0, "expires_ms": 3_600_000, "approver": "",
}  # fmt: skip
NONE_WAIT: Fields = {"requests": []}


def send(client: Browser, token: str, action: str, **fields: str) -> httpx.Response:
    return client.post("/risk", data={"form_token": token, "action": action, **fields})


def ask(
    context: Context, client: Browser, answers: Mapping[str, Fields | str], action: str, **fields: str
) -> tuple[httpx.Response, dict[str, Any]]:
    with answering(context.settings.data_dir / KEEPER_SOCKET, {"vault_requests": NONE_WAIT, **answers}) as asked:
        response = send(client, form_token(client.get("/risk").text), action, **fields)
    return response, dict(asked)


def test_reasons_are_told_in_words(context: Context) -> None:
    """
    Class, score, each reason with its points, the sum, the hours drawn; and the keeper learns who asks.
    """
    owner = signed_in(context)
    response, asked = ask(context, owner, {"risk_check": ANSWER}, "check", address=f" {ADDRESS} ", site="")

    assert 200 == response.status_code
    expected = (
        "Unclear",
        "Score 10 of 100 (low)",
        WORDS["en"],
        "+20",
        "-10",
        "Pages are read.",
        "1,234",
        "Advice only.",
    )
    assert [] == [words for words in expected if words not in response.text]
    assert 'aria-label="Active in the hours 8, 9, UTC"' in response.text
    assert ADDRESS == asked["risk_check"]["address"]
    asker = context.registry.sign_ins.find(asked["risk_check"]["sign_in"])
    assert asker is not None and EMAIL == asker.email


def test_in_swedish(context: Context) -> None:
    """
    The same in Swedish, the reasons too.
    """
    owner = signed_in(context, language="sv")
    response, _ = ask(context, owner, {"risk_check": ANSWER}, "check", address=ADDRESS)

    assert all(words in response.text for words in ("10 poäng av 100", WORDS["sv"], "Endast råd.", "Summa"))


def test_no_address_in_any_link(context: Context) -> None:
    """
    The answer is a page, no redirect; no link in it holds the address, and nothing may keep the page.
    """
    owner = signed_in(context)
    response, _ = ask(context, owner, {"risk_check": ANSWER}, "check", address=ADDRESS)

    assert not [part for part in response.text.split('"') if ADDRESS in part and part != ADDRESS]
    assert "private, no-store" == response.headers["cache-control"]
    assert "location" not in response.headers


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_owners_only(context: Context, role: str) -> None:
    """
    Who is no owner sees nothing and the keeper is not asked; a stranger is sent to sign in.
    """
    client = signed_in(context, role="owner")
    token = form_token(client.get("/account").text)
    context.registry.users.add("other@site1.test", "owner")
    context.registry.users.accept(context.registry.users.reset_password("other@site1.test"), PASSWORD)
    context.registry.users.change_role(EMAIL, role)
    with answering(context.settings.data_dir / KEEPER_SOCKET, {"risk_check": ANSWER}) as asked:
        statuses = (client.get("/risk").status_code, send(client, token, "check", address=ADDRESS).status_code)
        stranger = browser(context).get("/risk")

    assert ((403, 403), 303, []) == (statuses, stranger.status_code, asked)


def test_a_form_from_elsewhere_is_refused(context: Context) -> None:
    """
    Without the form's token nothing is asked.
    """
    owner = signed_in(context)
    with answering(context.settings.data_dir / KEEPER_SOCKET, {"risk_check": ANSWER}) as asked:
        response = send(owner, "0" * 64, "check", address=ADDRESS)

    assert (403, []) == (response.status_code, asked)


def test_days_wait_for_a_second_owner(context: Context) -> None:
    """
    The keeper is given ticket, e-mail and the password typed again; while it waits, the page says what to do.
    """
    owner = signed_in(context)
    answers: dict[str, Fields | str] = {"risk_check": ANSWER, "vault_days": {"waiting": "4daf6d3d"}}
    response, asked = ask(
        context, owner, answers, "days", address=ADDRESS, ticket="FRAUD-17", password=PASSWORD, site=""
    )

    assert "The request 4daf6d3d waits for an hour" in response.text
    assert PASSWORD not in response.text
    assert {"email": EMAIL, "password": PASSWORD} == asked["vault_days"]["who"]
    assert "FRAUD-17" == asked["vault_days"]["ticket"]


def test_days_are_drawn(context: Context) -> None:
    """
    Each living day with its hours and hits.
    """
    days = [{"day": "2026-11-20", "hours": [8, 22], "hits": 41, "sites": ["site1.test"]}]
    owner = signed_in(context)
    response, _ = ask(
        context, owner, {"risk_check": ANSWER, "vault_days": {"days": days}}, "days", address=ADDRESS, ticket="F-1"
    )

    expected = ("2026-11-20", 'aria-label="Active in the hours 8, 22, UTC"', "41", "site1.test")
    assert all(words in response.text for words in expected)


def test_approving_somebody_elses_request(context: Context) -> None:
    """
    A waiting request can be approved with a password, one's own cannot, and no address is shown.
    """
    owner = signed_in(context)
    with answering(
        context.settings.data_dir / KEEPER_SOCKET,
        {"vault_requests": {"requests": [REQUEST, {**REQUEST, "id": "ffff", "actor": EMAIL}]}, "vault_approve": {}},
    ) as asked:
        html = owner.get("/risk").text
        done = send(owner, form_token(html), "approve", request="4daf6d3d", password=PASSWORD)

    assert 1 == html.count('value="approve"') and "your own" in html
    assert "Approved." in done.text
    approved = dict(asked)["vault_approve"]
    assert ("4daf6d3d", {"email": EMAIL, "password": PASSWORD}) == (approved["request_id"], approved["who"])


def test_explaining_and_judging(context: Context) -> None:
    """
    An assessment is explained by its number, and a person's word on it is taken.
    """
    owner = signed_in(context)
    explanation = {key: ANSWER[key] for key in ANSWER if key not in ("evidence", "data", "band", "subject")}
    told, _ = ask(context, owner, {"risk_explain": {"explanation": explanation}}, "explain", assessment="0a1b2c")
    forgotten, _ = ask(context, owner, {"risk_explain": {"explanation": None}}, "explain", assessment="0a1b2c")
    judged, asked = ask(
        context, owner, {"risk_feedback": {"known": True}}, "judge", assessment="0a1b2c", verdict="wrong"
    )

    assert WORDS["en"] in told.text and "Last minute" not in told.text
    assert 400 == forgotten.status_code and "not an assessment of today" in forgotten.text
    assert "Noted." in judged.text and "wrong" == asked["risk_feedback"]["verdict"]


def test_a_refusal_is_shown(context: Context) -> None:
    """
    What the keeper refuses is said on the page, and what was typed stays in its field.
    """
    owner = signed_in(context)
    response, _ = ask(context, owner, {"risk_check": "this is not an IP address"}, "check", address="nonsense")

    assert 400 == response.status_code
    assert "this is not an IP address" in response.text and 'value="nonsense"' in response.text


def test_without_a_keeper(context: Context) -> None:
    """
    On a dashboard of its own the page says where this is answered.
    """
    owner = signed_in(context)
    response = owner.get("/risk")

    assert 200 == response.status_code and "where the statistics are collected" in response.text
