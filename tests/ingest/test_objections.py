"""
Who objected by hand is treated as who objects by a signal, whichever way the hit takes; the page works for the
connecting address alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import pytest

from daysalt.objections import KEY, TOKEN_MS, ObjectionList
from ingest.hand_over import HandOver
from ingest.keys.keyring import Keyring
from ingest.me import ME_HEADER, Me, is_me
from ingest.objections import Objections, objection_hash
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, events_of, make_collector, send
from tests.ingest.test_door import Exchange
from warehouse.local_socket import SocketRefused

SECRET = b"k" * 32
PATH = "/privacy/site1.test/me"


@pytest.fixture
def listed(tmp_path: Path, clock: FakeClock) -> ObjectionList:
    return ObjectionList(tmp_path / "keys", Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock), clock)


@pytest.mark.parametrize("short", [True, False])
def test_an_objection_leaves_a_count_only(tmp_path: Path, clock: FakeClock, short: bool) -> None:
    """
    No visitor id, source or place, on the short way and the long one; other addresses are counted as before.
    """
    collector = make_collector(tmp_path, clock)
    more = {} if short else {"x_edge_verdict": "x"}
    before = events_of(send(collector, **more))
    collector.plain.people.install_objections(Objections(SECRET, [objection_hash(SECRET, ip_address(ADDRESS))]))
    objected, other = events_of(send(collector, **more)), events_of(send(collector, peer="203.0.113.78", **more))

    assert [True, False, True] == [found[0].visitor_id != 0 for found in (before, objected, other)]
    assert ("", "", "pageview", "/a") == (
        objected[0].browser, objected[0].country, objected[0].name, objected[0].pathname
    )  # fmt: skip


def test_an_objection_holds_for_the_network_of_an_ipv6_address() -> None:
    """
    Addresses within one /64 are one person's line; the next /64 is not.
    """
    objections = Objections(SECRET, [objection_hash(SECRET, ip_address("2001:db8:1:2::1"))])

    assert [True, True, False] == [
        objections.holds(ip_address(text)) for text in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1")
    ]


def test_the_list_lasts_and_holds_no_address(tmp_path: Path, clock: FakeClock, listed: ObjectionList) -> None:
    """
    It outlives a restart of the keeper; the file has keyed hashes, and none that could be made without the key.
    """
    listed.add(ADDRESS, "objected", "case-1")
    text = (tmp_path / "keys" / "objections.json").read_text()

    assert ADDRESS not in text
    assert "objected" == listed.kind_of(ADDRESS)
    facts = asyncio.run(cast("Any", listed.operations()["objections"])())
    assert objection_hash(bytes.fromhex(facts["key"]), ip_address(ADDRESS)).hex() in facts["hashes"]
    assert (True, False, "") == (listed.withdraw(ADDRESS), listed.withdraw(ADDRESS), listed.kind_of(ADDRESS))


def test_a_token_is_for_one_address_once_and_ten_minutes(clock: FakeClock, listed: ObjectionList) -> None:
    """
    A stolen token is of no use from another address, a second time, or later.
    """
    run: Any = listed.operations()

    def fits(address: str, token: str) -> bool:
        return bool(asyncio.run(run["me_use_token"](address=address, token=token))["valid"])

    def token() -> str:
        return str(asyncio.run(run["me_token"](address=ADDRESS))["token"])

    stolen, used, old = token(), token(), token()
    assert not fits("203.0.113.78", stolen)
    assert [True, False] == [fits(ADDRESS, used), fits(ADDRESS, used)]
    clock.advance(ms=TOKEN_MS)
    assert not fits(ADDRESS, old)
    with pytest.raises(SocketRefused, match="no kind of mark"):
        asyncio.run(run["objection_add"](address=ADDRESS, kind="hidden"))


class FakeHandOver:
    """
    Keeps what would have been handed on.
    """

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any, own: Any = ()) -> None:
        self.scope = scope
        self.facts = json.loads(base64.b64decode(dict(own)[ME_HEADER]))


def asked(listed: ObjectionList, exchange: Exchange, peer: str = ADDRESS) -> FakeHandOver:
    """
    Send one request through the page's door; the keeper is `listed`.
    """
    operations: Any = listed.operations()
    seen = [{"day": "2026-11-20", "hours": [9], "hits": 4, "sites": ["site1.test"]}]

    async def ask(operation: str, **arguments: str) -> dict[str, Any] | None:
        if operation == "vault_self":
            return {"days": seen, "disclosed": []}
        if operation == "vault_restricted":
            return {"notices": []}
        if operation == "vault_erase_address":
            seen.clear()
            return {"rows": 1}
        try:
            return dict(await operations[operation](**arguments))
        except SocketRefused:
            return None

    handed = FakeHandOver()
    me = Me(cast("HandOver", handed), ask, lambda _, peer: peer)
    asyncio.run(me(exchange.scope, exchange.receive, exchange.send, peer))
    return handed


def posted(action: str, token: str, **headers: str) -> Exchange:
    return Exchange("POST", PATH, f"action={action}&token={token}".encode(), host="stats.test", **headers)


def test_the_page_tells_days_and_never_the_address(listed: ObjectionList) -> None:
    """
    The dashboard gets days, counts and a token; neither the address nor a header that holds it.
    """
    handed = asked(listed, Exchange("GET", PATH))

    assert [4] == [day["hits"] for day in handed.facts["days"]]
    assert ADDRESS not in json.dumps(handed.facts)
    assert handed.facts["token"]


@pytest.mark.parametrize(("action", "kind"), [("object", "objected"), ("restrict", "restricted"), ("erase", "")])
def test_acting_from_the_own_page(listed: ObjectionList, action: str, kind: str) -> None:
    """
    With the page's token, from the same address and origin, it is done.
    """
    token = asked(listed, Exchange("GET", PATH)).facts["token"]
    handed = asked(listed, posted(action, token, sec_fetch_site="same-origin"))

    assert (action, kind, "GET") == (handed.facts["done"], handed.facts["kind"], handed.scope["method"])
    assert ([] == handed.facts["days"]) is (action == "erase")


@pytest.mark.parametrize(
    ("headers", "peer", "done"),
    [
        ({"sec_fetch_site": "cross-site"}, ADDRESS, "refused"),
        ({"sec_fetch_site": "same-site"}, ADDRESS, "refused"),
        ({"origin": "https://evil.test"}, ADDRESS, "refused"),
        ({"sec_fetch_site": "same-origin"}, "203.0.113.99", "stale"),
    ],
)
def test_theft_from_another_page_or_address(
    listed: ObjectionList, headers: dict[str, str], peer: str, done: str
) -> None:
    """
    A form on somebody else's page, and a token from another connection, change nothing.
    """
    token = asked(listed, Exchange("GET", PATH)).facts["token"]
    handed = asked(listed, posted("object", token, **headers), peer)

    assert (done, "") == (handed.facts["done"], listed.kind_of(ADDRESS))


def test_only_the_page_itself_is_answered_here() -> None:
    """
    Other privacy pages are the dashboard's.
    """
    assert [True, False, False] == [is_me(path) for path in (PATH, "/privacy/site1.test", "/me")]
    assert "objection" == KEY.purpose
