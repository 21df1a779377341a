"""
The risk API at the collector: who may ask, what is refused, and that the address goes no further.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from daysalt.risk import risk_operations
from daysalt.trial.play import FixedIds
from ingest.answers import Answer
from ingest.objections import Objections, objection_hash
from ingest.risk.door import RiskDoor, RiskSite, RiskTools
from ingest.risk.link import Answered, RiskLink, RiskUnavailable, answering
from ingest.risk.network_list import NetworkReader
from ingest.risk.owner import Owner
from ingest.risk.question import Question
from tests.clocks import FakeClock
from tests.ingest.risk.sights import NOON, packed, sight
from warehouse.registry.api_keys import ApiKey, ApiKeyRing
from warehouse.registry.tokens import token_hash

SITES = {"site.test": RiskSite(1, "site.test", True, 5), "off.test": RiskSite(2, "off.test", False, 5)}


class StraightLink(RiskLink):
    """
    A link without a socket between.
    """

    def __init__(self, owner: Owner) -> None:
        super().__init__(Path("nowhere"))
        self._owner = owner
        self.asked: list[Question] = []

    def put(self, question: Question, answered: Answered) -> None:
        self.asked.append(question)
        answered(self._owner.check(question))


class Desk:
    """
    A door with its owner, and who was noted.
    """

    def __init__(self, tmp_path: Path) -> None:
        clock = FakeClock(NOON + 1000)
        self.owner = Owner(clock, 1000)
        self.link = StraightLink(self.owner)
        self.notes: list[tuple[str, str, str]] = []
        operations: dict[str, Any] = {**risk_operations(self.owner)}

        async def call(op: str, **arguments: Any) -> dict[str, Any]:
            return await operations[op](**arguments)

        self.door = RiskDoor(
            RiskTools(
                clock=clock,
                identities=FixedIds(),
                link=self.link,
                networks=NetworkReader(tmp_path / "networks.mmdb", clock),
                call=call,
                note=self._note,
                list_dates=lambda: {"geo": None, "asn": None, "bots": "1"},
            )
        )
        objected = objection_hash(b"key", IPv4Address("192.0.2.9"))
        self.door.objections = Objections(b"key", [objected])
        keys = [
            (ApiKey("aaa", "risk", None, 0, False), token_hash("secret")),
            (ApiKey("bbb", "risk", 1, 0, False), token_hash("secret")),
            (ApiKey("ccc", "stats", None, 0, False), token_hash("secret")),
        ]
        self.door.install(ApiKeyRing(keys), SITES)

    def _note(self, key_id: str, action: str, domain: str) -> None:
        self.notes.append((key_id, action, domain))

    def send(
        self, what: str, body: object = None, *, key: str = "dsk_aaa_secret", method: str = "POST", query: bytes = b""
    ) -> tuple[int, dict[str, Any]]:
        async def read(_: int) -> bytes:
            return body if isinstance(body, bytes) else json.dumps(body).encode()

        headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
        answer: Answer = asyncio.run(self.door.answer(method, "/api/risk/v1/" + what, query, headers, read))
        return answer.status, json.loads(answer.body)


@pytest.fixture
def desk(tmp_path: Path) -> Generator[Desk]:
    yield Desk(tmp_path)


def test_a_check_is_answered_and_noted(desk: Desk) -> None:
    """
    A key of scope risk gets an answer, and the audit log learns which key asked for which site.
    """
    status, answer = desk.send("check", {"ip": "192.0.2.1", "site": "www.Site.test"})

    assert (200, "unclear", "none") == (status, answer["class"], answer["decision"])
    assert [("aaa", "risk.check", "site.test")] == desk.notes


def test_the_address_goes_no_further(desk: Desk) -> None:
    """
    What the owner of the windows is asked holds no address, in no form.
    """
    desk.send("check", {"ip": "192.0.2.1"})

    assert "192.0.2.1" not in str(desk.link.asked[0])
    assert bytes([192, 0, 2, 1]) not in desk.link.asked[0].rid


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "request"),
        ([1], "request"),
        ({}, "ip"),
        ({"ip": "300.1.1.1"}, "ip"),
        ({"ip": 7}, "ip"),
        ({"ip": "192.0.2.1", "site": "unknown.test"}, "site"),
        ({"ip": "192.0.2.1", "headers": ["a"]}, "headers"),
        ({"ip": "192.0.2.1", "headers": {"a": 1}}, "headers"),
        ({"ip": "192.0.2.1", "ua": "x" * 5000}, "ua"),
    ],
)
def test_bad_questions_say_which_field(desk: Desk, body: object, field: str) -> None:
    """
    400 names the field, and never repeats what was sent.
    """
    status, answer = desk.send("check", body)

    assert (400, [field]) == (status, list(answer["errors"]))


@pytest.mark.parametrize(
    ("body", "key", "status"),
    [
        ({"ip": "192.0.2.1"}, "", 401),
        ({"ip": "192.0.2.1"}, "dsk_aaa_wrong", 401),
        ({"ip": "192.0.2.1"}, "dsk_ccc_secret", 401),
        ({"ip": "192.0.2.1"}, "dsk_bbb_secret", 200),
        ({"ip": "192.0.2.1", "site": "off.test"}, "dsk_bbb_secret", 400),
    ],
)
def test_only_keys_of_scope_risk_ask(desk: Desk, body: object, key: str, status: int) -> None:
    """
    Another scope, a wrong secret, or another site than the key's is refused.
    """
    assert status == desk.send("check", body, key=key)[0]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ip": "192.0.2.1", "headers": {"Sec-GPC": "1"}}, "SIGNAL"),
        ({"ip": "192.0.2.1", "headers": {"dnt": "1"}}, "SIGNAL"),
        ({"ip": "192.0.2.1", "site": "off.test"}, "SITE_OFF"),
        ({"ip": "192.0.2.9"}, "RESTRICTED"),
    ],
)
def test_objections_are_not_assessed(desk: Desk, body: object, code: str) -> None:
    """
    A signal, a site's switch or an objection: no score is made.
    """
    status, answer = desk.send("check", body)

    assert (200, "not_assessed", code) == (status, answer["class"], answer["reasons"][0]["code"])


def test_the_callers_user_agent_is_weighed(desk: Desk) -> None:
    """
    With a user agent the subject says so, and its reasons count.
    """
    _, answer = desk.send("check", {"ip": "8.8.8.8", "ua": "python-requests/2.31"})

    assert ("ip+ua", ["UA_LIB"]) == (answer["subject"], [line["code"] for line in answer["reasons"]])


def test_explanation_and_feedback_need_no_address(desk: Desk) -> None:
    """
    By assessment id the reasons are told again, and a person's verdict is taken.
    """
    name = desk.send("check", {"ip": "8.8.8.8", "ua": "curl/8", "site": "site.test"})[1]["assessment_id"]

    status, told = desk.send(f"assessments/{name}", method="GET", key="dsk_bbb_secret")
    assert (200, 50, "site.test") == (status, told["score"], told["site"])
    assert 200 == desk.send("feedback", {"assessment_id": name, "verdict": "wrong"})[0]
    assert 404 == desk.send("feedback", {"assessment_id": "nobody", "verdict": "wrong"})[0]
    assert 400 == desk.send("feedback", {"assessment_id": name, "verdict": "maybe"})[0]


def test_visits_are_counts_by_class(desk: Desk) -> None:
    """
    A site's traffic is told by class, above k; a wrong window or no site is refused.
    """
    desk.owner.add(packed(*[sight(NOON + number, address=bytes([10, 0, 0, number])) for number in range(9)]))

    status, told = desk.send("visits", method="GET", query=b"site=site.test&window=1h")
    assert (200, 9, {"class": "unclear", "events": 9}) == (status, told["events"], told["classes"][0])
    assert 400 == desk.send("visits", method="GET", query=b"site=site.test&window=7d")[0]
    assert 400 == desk.send("visits", method="GET")[0]


@pytest.mark.parametrize(
    ("what", "method", "status"), [("check", "GET", 405), ("visits", "POST", 405), ("x", "GET", 404)]
)
def test_other_methods_and_paths_are_refused(desk: Desk, what: str, method: str, status: int) -> None:
    """
    What is not there says what is.
    """
    assert status == desk.send(what, {}, method=method)[0]


def test_feedback_needs_a_key_that_may_read_the_assessment(desk: Desk) -> None:
    """
    A key for one site can judge what was asked about that site, and nothing else.
    """
    everywhere = desk.send("check", {"ip": "192.0.2.1"})[1]["assessment_id"]
    of_site = desk.send("check", {"ip": "192.0.2.1", "site": "site.test"})[1]["assessment_id"]

    statuses = [
        desk.send("feedback", {"assessment_id": name, "verdict": "wrong"}, key="dsk_bbb_secret")[0]
        for name in (everywhere, of_site)
    ]
    assert [404, 200] == statuses
    assert {("unclear", "wrong"): 1} == desk.owner.assessments.feedback


@pytest.mark.parametrize("what", ["check", "feedback"])
def test_a_body_of_brackets_is_refused(desk: Desk, what: str) -> None:
    """
    What nests deeper than can be read is no JSON object, and no failure of ours.
    """
    assert 400 == desk.send(what, b"[" * 8000)[0]


def test_a_long_query_is_refused(desk: Desk) -> None:
    """
    More fields than are read are said to be too many.
    """
    assert 400 == desk.send("visits", method="GET", query=b"&".join(b"a=%d" % number for number in range(50)))[0]


def test_the_link_carries_observations_and_questions(tmp_path: Path) -> None:
    """
    Over a real socket: what was seen before the owner was there is kept for it, and a question is answered.
    """

    async def scenario() -> bytes:
        path = tmp_path / "observations.sock"
        owner = Owner(FakeClock(NOON), 1000)
        link = RiskLink(path)
        link.send(packed(sight()))
        server = await asyncio.get_running_loop().create_unix_server(answering(owner), path=str(path))
        connecting = asyncio.create_task(link.keep_connected())
        asked = Question(b"0" * 16, 1, "ip")
        try:
            for _ in range(500):
                with suppress(RiskUnavailable):
                    answer = await link.ask(asked)
                    if owner.observed:
                        return answer
                await asyncio.sleep(0.01)
            raise AssertionError("the link did not come up")
        finally:
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            server.close()

    assert b'"decision":"none"' in asyncio.run(scenario())


def test_without_an_owner_the_link_says_so(tmp_path: Path) -> None:
    """
    Nobody answers: the asker is told to come again, at once.
    """
    with pytest.raises(RiskUnavailable):
        asyncio.run(RiskLink(tmp_path / "nobody.sock").ask(Question(b"0" * 16, 1, "ip")))
