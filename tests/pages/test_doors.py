"""
First start, signing in and out, and the checks on forms.
"""

from __future__ import annotations

import pytest

from dashboard.context import Context
from tests.pages.browsing import EMAIL, PASSWORD, browser, form_token, signed_in, site_with_visits


def test_first_start_names_the_command(context: Context) -> None:
    """
    Before anybody exists, `/` says how to get the set-up link and never shows the token.
    """
    token = context.registry.users.first_token()
    response = browser(context).get("/")

    assert 200 == response.status_code
    assert "daysalt user setup" in response.text
    assert token is not None and token not in response.text


def test_set_up(context: Context) -> None:
    """
    The set-up link makes the owner and the first site, signs in and shows the site.
    """
    token = context.registry.users.first_token() or ""
    client = browser(context)
    assert "Your first site" in client.get("/setup", params={"token": token}).text
    form = {"token": token, "email": EMAIL, "password": PASSWORD, "domain": "site1.test/blog", "timezone": "Asia/Tokyo"}
    response = client.post("/setup", data=form)

    assert (303, "/site1.test/blog") == (response.status_code, response.headers["location"])
    assert "Waiting for your first visit" in client.get("/site1.test/blog").text
    site = context.registry.sites.find("site1.test/blog")
    assert site is not None and site.timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("password", "short", "use at least 10"), ("domain", "a b", "cannot be a site"), ("email", "x", "not an e-mail")],
)
def test_set_up_refused(context: Context, name: str, value: str, sentence: str) -> None:
    """
    A wrong field is explained, and neither uses the link up nor leaves a site behind.
    """
    token = context.registry.users.first_token() or ""
    form = {"token": token, "email": EMAIL, "password": PASSWORD, "domain": "site1.test", "timezone": "Etc/UTC"}
    response = browser(context).post("/setup", data={**form, name: value})

    assert 400 == response.status_code
    assert sentence in response.text
    assert [] == context.registry.sites.all()
    assert context.registry.users.is_first_token(token)


def test_dead_link(context: Context) -> None:
    """
    An unknown link says what to do.
    """
    response = browser(context).get("/setup", params={"token": "nonsense"})

    assert 403 == response.status_code
    assert "daysalt user setup" in response.text


def test_chosen_password(context: Context) -> None:
    """
    Somebody who was added chooses a password by link.
    """
    _, token = context.registry.users.add(EMAIL, "viewer")
    client = browser(context)
    assert EMAIL in client.get("/setup", params={"token": token}).text

    assert 303 == client.post("/setup", data={"token": token, "password": PASSWORD}).status_code
    assert "Your sites" in client.get("/").text


def test_wrong_password(context: Context) -> None:
    """
    A wrong password and an unknown e-mail address look the same.
    """
    _, token = context.registry.users.add(EMAIL)
    context.registry.users.accept(token, PASSWORD)
    known = browser(context).post("/login", data={"email": EMAIL, "password": "wrong password"})
    unknown = browser(context).post("/login", data={"email": "bob@site1.test", "password": "wrong password"})

    assert (401, 401) == (known.status_code, unknown.status_code)
    assert known.text.replace(EMAIL, "") == unknown.text.replace("bob@site1.test", "")


def test_every_sign_in_has_its_own_token(context: Context) -> None:
    """
    Signing in again gives a new cookie and ends the one before.
    """
    client = signed_in(context)
    before = client.cookies["daysalt"]
    client.post("/login", data={"email": EMAIL, "password": PASSWORD})

    assert before != client.cookies["daysalt"]
    assert context.registry.sign_ins.find(before) is None


def test_sign_out(context: Context) -> None:
    """
    Signing out ends the sign-in, not only the cookie.
    """
    client = signed_in(context)
    token = client.cookies["daysalt"]
    response = client.post("/logout", data={"form_token": form_token(client.get("/").text)})

    assert 303 == response.status_code
    assert context.registry.sign_ins.find(token) is None
    assert "/login" == client.get("/").headers["location"]


@pytest.mark.parametrize("next_path", ["https://evil.test", "//evil.test", "/\\evil.test", "evil.test"])
def test_next_stays_here(context: Context, next_path: str) -> None:
    """
    After signing in, nobody is sent to another site.
    """
    client = signed_in(context)
    response = client.post("/login", data={"email": EMAIL, "password": PASSWORD, "next": next_path})

    assert "/" == response.headers["location"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_forms_of_others(context: Context, headers: dict[str, str]) -> None:
    """
    A form that another site sends is refused, at every door.
    """
    client = signed_in(context)
    token = form_token(client.get("/").text)

    assert 403 == client.post("/sites", data={"form_token": token, "domain": "x.test"}, headers=headers).status_code
    assert 403 == client.post("/login", data={"email": EMAIL, "password": PASSWORD}, headers=headers).status_code
    assert [] == context.registry.sites.all()


@pytest.mark.parametrize("token", ["", "0" * 64, "å"])
def test_form_without_its_token(context: Context, token: str) -> None:
    """
    A form without the signed-in person's token is refused.
    """
    client = signed_in(context)

    assert 403 == client.post("/sites", data={"form_token": token, "domain": "x.test"}).status_code
    assert [] == context.registry.sites.all()


def test_large_form(context: Context) -> None:
    """
    A form over 64 KiB is refused.
    """
    assert 413 == browser(context).post("/login", data={"email": "x" * 70_000}).status_code


def test_viewers_add_no_site(context: Context) -> None:
    """
    A viewer sees no form for adding a site, and sending one anyway is refused.
    """
    client = signed_in(context, role="viewer")
    html = client.get("/").text

    assert "Add a site" not in html
    assert 403 == client.post("/sites", data={"form_token": form_token(html), "domain": "x.test"}).status_code


def test_add_site(context: Context) -> None:
    """
    Adding a site leads to its page; a domain that cannot be one is explained.
    """
    client = signed_in(context)
    token = form_token(client.get("/").text)
    refused = client.post("/sites", data={"form_token": token, "domain": "a b", "timezone": "Etc/UTC"})
    added = client.post("/sites", data={"form_token": token, "domain": "WWW.Site2.test", "timezone": "Etc/UTC"})

    assert (400, True) == (refused.status_code, "cannot be a site" in refused.text)
    assert (303, "/site2.test") == (added.status_code, added.headers["location"])


def test_cookie_over_https(context: Context) -> None:
    """
    With an https address the cookie is `__Host-`, `Secure`, `HttpOnly` and bound to this site.
    """
    _, token = context.registry.users.add(EMAIL)
    context.registry.users.accept(token, PASSWORD)
    client = browser(context, base_url="https://stats.test")
    cookie = client.post("/login", data={"email": EMAIL, "password": PASSWORD}).headers["set-cookie"]

    assert cookie.startswith("__Host-daysalt=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"))
    assert "Domain" not in cookie


@pytest.mark.parametrize("path", ["/", "/login", "/setup?token=x", "/site1.test", "/nowhere.test", "/?lang=sv"])
def test_no_cookie_before_sign_in(context: Context, path: str) -> None:
    """
    Nobody who is not signed in gets a cookie.
    """
    site = site_with_visits(context)
    context.registry.sites.change(site.domain, public=True)
    response = browser(context).get(path)

    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/", "/login", "/setup?token=x", "/site1.test", "/no/where", "/static/x.css"])
def test_headers_on_every_page(context: Context, path: str) -> None:
    """
    Every answer carries the content policy and its companions, and no page has an inline script or style.
    """
    site_with_visits(context)
    response = signed_in(context).get(path)

    assert "default-src 'none'; script-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "nosniff" == response.headers["x-content-type-options"]
    assert "same-origin" == response.headers["referrer-policy"]
    assert " style=" not in response.text and "<style" not in response.text and "<script>" not in response.text


def test_what_is_no_interface_is_a_status(context: Context) -> None:
    """
    A program that asks at a wrong address, or in a wrong way, is not sent to the sign-in page.
    """
    wrong = [browser(context).get(path) for path in ("/api/v3/query", "/api/v2/query")]

    assert [404, 405] == [response.status_code for response in wrong]
    assert all("error" in response.json() for response in wrong)
