"""
Every route of the read side against everybody who may knock: without a session, as viewer, editor and owner, with a
key. A route, section or form that is new is missing in the tables, and fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from dashboard.app import build_app
from dashboard.context import Context
from dashboard.pages.assets import assets
from dashboard.pages.settings import SECTIONS
from dashboard.pages.site_forms import CHANGES
from tests.clocks import FakeClock
from tests.pages.browsing import Browser, browser, form_token, site_with_visits
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.settings import load_settings

ROLES = ("nobody", "viewer", "editor", "owner")
OPEN = (200, 200, 200, 200)
SIGNED_IN = (303, 200, 200, 200)
OWNERS = (303, 403, 403, 200)

PAGES: dict[str, tuple[int, int, int, int]] = {
    "/static/{name:path}": OPEN,
    "/robots.txt": OPEN,
    "/favicon.ico": OPEN,
    "/openapi.json": OPEN,
    "/docs": OPEN,
    "/glossary": OPEN,
    "/": SIGNED_IN,
    "/login": (200, 303, 303, 303),
    "/setup": (403, 403, 403, 403),  # the link of the first start is used up
    "/account": SIGNED_IN,
    "/people": OWNERS,
    "/risk": OWNERS,
    "/keys": OWNERS,
    "/share/{slug}": OPEN,
    "/privacy/{domain:path}/policy.json": OPEN,
    "/privacy/{domain:path}/retention-proof": OPEN,
    "/privacy/{domain:path}/me": (404, 404, 404, 404),  # the collector answers it, which knows the address
    "/privacy/{domain:path}": OPEN,
    "/sites/{domain:path}/script": SIGNED_IN,
    "/{domain:path}": SIGNED_IN,
    **dict.fromkeys(("/{domain:path}?format=zip", "/{domain:path}?details=pages&format=csv"), SIGNED_IN),
}
"""Status of GET by role. A site's settings are below."""

SETTINGS: dict[str, tuple[int, int, int, int]] = {
    **dict.fromkeys(SECTIONS, (303, 403, 200, 200)),
    **dict.fromkeys(("danger", "imports"), OWNERS),
}

ANYBODY = (False, False, False, False)
EDITORS = (True, True, False, False)
ONLY_OWNERS = (True, True, True, False)
FORMS: dict[tuple[str, str], tuple[bool, bool, bool, bool]] = {
    ("/login", ""): ANYBODY,
    ("/login/code", ""): ANYBODY,
    ("/share/{slug}", ""): ANYBODY,
    ("/setup", ""): (True, True, True, True),
    ("/account", ""): (True, False, False, False),
    ("/people", "role"): ONLY_OWNERS,
    ("/risk", "check"): ONLY_OWNERS,
    ("/keys", "add"): ONLY_OWNERS,
    ("/sites/{domain:path}/annotations", "add"): EDITORS,
    ("/sites/{domain:path}/segments", ""): EDITORS,
    ("/sites", ""): EDITORS,
    ("/sites/{domain:path}/script", ""): EDITORS,
    # Last: it ends the session.
    ("/logout", ""): (True, False, False, False),
}
"""Whether a POST with the page's own token is refused (403), by role."""


@pytest.fixture
def context(warehouse: Warehouse, clock: FakeClock, tmp_path: Path) -> Iterator[Context]:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    yield Context(warehouse, registry, clock, load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}))
    registry.close()


def everybody(context: Context) -> dict[str, Browser]:
    """
    Open a browser for each role.
    """
    site = site_with_visits(context)
    context.registry.shared_links.add(site.id, "Press")
    found = {"nobody": browser(context)}
    for role in ROLES[1:]:
        found[role] = browser(context)
        # Not by the form: hashing four passwords for each test takes seconds.
        user, _ = context.registry.users.add(f"{role}@site1.test", role)
        found[role].cookies.set("daysalt", context.registry.sign_ins.start(user.id))
    return found


def filled(context: Context, path: str) -> str:
    (site,) = context.registry.sites.all()
    (link,) = context.registry.shared_links.all(site.id)
    parts = {"domain": "site1.test", "slug": link.slug, "name": assets()["app.css"].name}
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: parts[found[1]], path)


def paths_of(context: Context, method: str) -> set[str]:
    """
    List the paths that take a method.
    """
    routes = (route for route in build_app(context).routes if isinstance(route, Route))
    return {route.path for route in routes if method in (route.methods or ())}


def routes(context: Context, method: str) -> set[str]:
    """
    List the paths that take a method, but those behind keys.
    """
    return {path for path in paths_of(context, method) if not path.startswith("/api/")}


def test_every_page_and_form_is_in_the_tables(context: Context) -> None:
    """
    Who adds a route, a section or a form of a section says here who may use it.
    """
    section = "/sites/{domain:path}/settings/{section}"

    assert routes(context, "GET") == {path for path in PAGES if "?" not in path} | {section}
    assert routes(context, "POST") == {path for path, _ in FORMS} | {section}
    assert SETTINGS.keys() == SECTIONS.keys()


def test_who_may_see_what(context: Context) -> None:
    """
    Each page, and each section of a site's settings, by role; a key opens no page.
    """
    people = everybody(context)
    _, key = context.registry.keys.add("all")
    tables = {**PAGES, **{f"/sites/site1.test/settings/{section}": row for section, row in SETTINGS.items()}}
    for path, expected in tables.items():
        address = filled(context, path)
        found = tuple(people[role].get(address).status_code for role in ROLES)
        assert (path, expected) == (path, found)
        keyed = browser(context).get(address, headers={"authorization": f"Bearer {key}"})
        assert (path, expected[0]) == (path, keyed.status_code)


def test_a_public_site_shows_its_dashboard_and_no_more(context: Context) -> None:
    """
    What a stranger may on a public site: look; not the whole export, nor anything behind it.
    """
    people = everybody(context)
    context.registry.sites.change("site1.test", public=True)
    found = [
        people["nobody"].get(f"/site1.test{rest}").status_code
        for rest in ("", "?details=pages", "?details=pages&format=csv", "?format=csv", "?format=zip")
    ]

    assert [200, 200, 200, 200, 403] == found
    assert 303 == people["nobody"].get("/sites/site1.test/settings/general").status_code


def test_who_may_change_what(context: Context) -> None:
    """
    Each form, and each form of a site's settings, by role: refused, or understood. Without the page's token, or from
    another site, everybody is refused.
    """
    people = everybody(context)
    tokens = {role: form_token(people[role].get("/account").text) for role in ROLES[1:]}
    tables = {(f"/sites/site1.test/settings/{section}", action): EDITORS for section, action in CHANGES}
    tables |= {key: ONLY_OWNERS for key in tables if key[0].endswith(("/danger", "/imports"))}
    for (path, action), expected in {**tables, **FORMS}.items():
        address = filled(context, path)
        if expected[0] and path != "/setup":
            owner, foreign = people["owner"], {"origin": "https://evil.test"}
            assert 403 == owner.post(address, data={"action": action, "form_token": "0" * 64}).status_code, path
            sent = {"action": action, "form_token": tokens["owner"]}
            assert 403 == owner.post(address, data=sent, headers=foreign).status_code, path
        found: list[bool] = []
        for role in ROLES:
            sent = {"action": action, "form_token": tokens.get(role, "")}
            status = people[role].post(address, data=sent).status_code
            assert status < 500, (path, action, role)
            found.append(status == 403)
        assert (path, action, expected) == (path, action, tuple(found))


def test_a_session_opens_no_interface(context: Context) -> None:
    """
    A cookie is no key: what is behind keys answers an owner's browser like anybody's.
    """
    owner = everybody(context)["owner"]
    paths = [path for path in paths_of(context, "GET") if path.startswith("/api/")]
    found = {path: owner.get(filled(context, path)).status_code for path in paths}

    assert found and {401} == set(found.values()), found
