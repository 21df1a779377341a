"""
Forms while the registry cannot be written: what was typed is not at fault.
"""

from __future__ import annotations

import pytest

from dashboard.context import Context
from tests.pages.browsing import PASSWORD, browser, form_token, signed_in
from warehouse.registry.errors import RegistryUnavailable


def away(*_: object, **__: object) -> None:
    """
    Stand in for whatever changes the registry.
    """
    raise RegistryUnavailable("the registry stays locked by another process: stop it and try again")


@pytest.mark.parametrize(
    ("register", "method", "address", "form"),
    [
        ("sites", "add", "/sites", {"domain": "site2.test"}),
        ("tracker_scripts", "change", "/sites/site1.test/script", {"outbound_links": "on"}),
        ("segments", "add", "/sites/site1.test/segments", {"name": "Swedes", "view": "f=is,country,SE"}),
        ("goals", "add", "/sites/site1.test/settings/goals", {"action": "add", "kind": "event", "target": "Buy"}),
        ("users", "change_password", "/account", {"action": "password", "password": "a", "new_password": "b"}),
    ],
)
def test_forms_wait_for_the_registry(
    context: Context, monkeypatch: pytest.MonkeyPatch, register: str, method: str, address: str, form: dict[str, str]
) -> None:
    """
    A form that the registry cannot take now is answered 503 with a time to come back, not 400.
    """
    context.registry.sites.add("site1.test")
    client = signed_in(context)
    token = form_token(client.get("/account").text)
    changed: object = getattr(context.registry, register)
    monkeypatch.setattr(type(changed), method, away)

    answered = client.post(address, data={**form, "form_token": token})

    assert (503, "5") == (answered.status_code, answered.headers["retry-after"])


def test_a_first_start_waits_for_the_registry(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    So is the form of a first start, and its token stays good.
    """
    token = context.registry.users.first_token()
    assert token is not None
    form = {"token": token, "email": "anna@site1.test", "password": PASSWORD, "domain": "site1.test"}
    client = browser(context)
    with monkeypatch.context() as broken:
        broken.setattr(type(context.registry.users), "accept_first", away)
        assert 503 == client.post("/setup", data=form).status_code

    assert 303 == client.post("/setup", data=form).status_code
