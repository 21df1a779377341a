"""
Accounts, people and keys.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx

from dashboard.context import Context
from tests.clocks import FakeClock
from tests.pages.browsing import EMAIL, PASSWORD, Browser, browser, form_token, signed_in
from warehouse.registry.totp import code_at


def send(client: Browser, path: str, action: str, **fields: str) -> httpx.Response:
    token = form_token(client.get(path).text)
    return client.post(path, data={"form_token": token, "action": action, **fields})


def switched_on(context: Context, client: Browser, clock: FakeClock) -> tuple[str, list[str]]:
    secret = re.findall(r'name="secret" value="([A-Z2-7]{32})"', client.get("/account").text)[0]
    step = clock.now_ms() // 30_000
    html = send(client, "/account", "factor_on", secret=secret, code=code_at(secret, step)).text
    return secret, re.findall(r"\b[0-9a-f]{8}-[0-9a-f]{8}\b", html)


def test_an_invitation_is_a_link_to_copy(context: Context) -> None:
    """
    It is shown once, and who opens it chooses a password and has the role that was meant.
    """
    owner = signed_in(context)
    html = send(owner, "/people", "invite", email="bo@site1.test", role="editor").text
    link: str = re.findall(r'id="invitation">(http://stats\.test/setup\?token=[\w-]+)<', html)[0]
    token = parse_qs(urlsplit(link).query)["token"][0]
    guest = browser(context)

    assert 303 == guest.post("/setup", data={"token": token, "password": "another long sentence"}).status_code
    assert 200 == guest.get("/account").status_code
    assert token not in owner.get("/people").text
    assert ["editor"] == [user.role for user in context.registry.users.all() if user.email == "bo@site1.test"]


def test_roles_change_at_once(context: Context) -> None:
    """
    Somebody made a viewer may change nothing with the next request; the last owner stays one.
    """
    owner = signed_in(context)
    _, token = context.registry.users.add("bo@site1.test", "owner")
    guest = browser(context)
    guest.post("/setup", data={"token": token, "password": "another long sentence"})
    assert 200 == guest.get("/people").status_code
    send(owner, "/people", "role", email="bo@site1.test", role="viewer")

    assert 403 == guest.get("/people").status_code
    last = send(owner, "/people", "role", email=EMAIL, role="viewer")
    assert 400 == last.status_code and "the last owner" in last.text
    assert 303 == send(owner, "/people", "remove", email="bo@site1.test").status_code
    assert "/login" in guest.get("/account").headers["location"]


def test_a_new_password_ends_every_sign_in(context: Context) -> None:
    """
    The present one is asked for first.
    """
    client = signed_in(context)
    wrong = send(client, "/account", "password", password="wrong", new_password="a much longer sentence")
    assert 400 == wrong.status_code
    right = send(client, "/account", "password", password=PASSWORD, new_password="a much longer sentence")

    assert 303 == right.status_code
    assert "/login" in client.get("/account").headers["location"]
    signing = browser(context).post("/login", data={"email": EMAIL, "password": "a much longer sentence"})
    assert 303 == signing.status_code


def test_other_sign_ins_can_be_ended(context: Context) -> None:
    """
    The list names each by a part of its hash, and one's own by words.
    """
    client = signed_in(context)
    other = browser(context)
    other.post("/login", data={"email": EMAIL, "password": PASSWORD})
    html = client.get("/account").text
    ids = re.findall(r'name="id" value="([0-9a-f]{16})"', html)

    assert 1 == len(ids) and "this browser" in html
    send(client, "/account", "end", id=ids[0])
    assert "/login" in other.get("/account").headers["location"]
    assert 200 == client.get("/account").status_code


def test_the_second_factor(context: Context, clock: FakeClock) -> None:
    """
    After the password a code is asked for; a code works once, and so does a recovery code.
    """
    client = signed_in(context)
    secret, codes = switched_on(context, client, clock)
    assert 8 == len(codes)
    clock.advance(seconds=60)

    def sign_in(code: str) -> int:
        guest = browser(context)
        asked = guest.post("/login", data={"email": EMAIL, "password": PASSWORD})
        ticket = re.findall(r'name="ticket" value="([^"]+)"', asked.text)[0]
        assert "daysalt" not in str(guest.cookies)
        return guest.post("/login/code", data={"ticket": ticket, "code": code}).status_code

    code = code_at(secret, clock.now_ms() // 30_000)
    assert [303, 401, 303, 401, 401] == [sign_in(one) for one in (code, code, codes[0], codes[0], "000000")]
    clock.advance(seconds=60)
    old = browser(context).post("/login", data={"email": EMAIL, "password": PASSWORD}).text
    ticket = re.findall(r'name="ticket" value="([^"]+)"', old)[0]
    clock.advance(seconds=6 * 60)
    late = {"ticket": ticket, "code": code_at(secret, clock.now_ms() // 30_000)}
    assert 401 == browser(context).post("/login/code", data=late).status_code


def test_codes_cannot_be_tried_out(context: Context, clock: FakeClock) -> None:
    """
    After ten wrong codes the account waits, also for the right one.
    """
    client = signed_in(context)
    secret, _ = switched_on(context, client, clock)
    clock.advance(seconds=60)
    asked = browser(context).post("/login", data={"email": EMAIL, "password": PASSWORD})
    ticket = re.findall(r'name="ticket" value="([^"]+)"', asked.text)[0]
    tries = [browser(context).post("/login/code", data={"ticket": ticket, "code": f"{n:06d}"}) for n in range(10)]

    assert {401} == {response.status_code for response in tries}
    right = {"ticket": ticket, "code": code_at(secret, clock.now_ms() // 30_000)}
    assert 429 == browser(context).post("/login/code", data=right).status_code


def test_switching_the_second_factor_off(context: Context, clock: FakeClock) -> None:
    """
    It takes the password; an owner does it for somebody whose phone is gone.
    """
    client = signed_in(context)
    switched_on(context, client, clock)
    user = context.registry.users.all()[0]
    assert 400 == send(client, "/account", "factor_off", password="wrong").status_code
    assert context.registry.second_factors.is_on(user.id)
    assert 303 == send(client, "/account", "factor_off", password=PASSWORD).status_code
    assert not context.registry.second_factors.is_on(user.id)
    switched_on(context, client, clock)
    send(client, "/people", "factor_off", email=EMAIL)
    assert not context.registry.second_factors.is_on(user.id)


def test_keys_are_shown_once(context: Context) -> None:
    """
    A new key works until it is revoked, and its text is nowhere to be read again.
    """
    context.registry.sites.add("site1.test")
    client = signed_in(context)
    html = send(client, "/keys", "add", scope="stats", site="site1.test").text
    plain = re.findall(r"dsk_[0-9a-f]{12}_[\w-]+", html)[0]
    key = context.registry.keys.find(plain)

    assert key is not None and "stats" == key.scope
    assert plain not in client.get("/keys").text
    send(client, "/keys", "revoke", id=key.id)
    assert context.registry.keys.find(plain) is None
