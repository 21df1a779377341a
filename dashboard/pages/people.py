"""
People and keys: who may look, who may change, and what machines may ask. For owners.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import base_path, link, page
from dashboard.pages.snippet import public_address
from warehouse.registry.api_keys import SCOPES
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.users import ROLES, User

NOT_YOURS = "Only an owner may see this page."


def people_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /people`.
    """
    return _guarded(context, request, "/people")


def change_people(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /people`: invite, change a role, make a new link, remove.
    """
    if not reader.is_owner:
        return refusal(context, request, reader, 403, NOT_YOURS)
    users, email, action = context.registry.users, form.get("email", ""), form.get("action", "")
    try:
        if action == "invite":
            user, token = users.add(email, form.get("role", ""))
            return _people(context, request, reader, 200, invited=user.email, token=token)
        if action == "link":
            return _people(context, request, reader, 200, invited=email, token=users.reset_password(email))
        if action == "role":
            users.change_role(email, form.get("role", ""))
        elif action == "factor_off":
            _switch_factor_off(context, email)
        elif action == "remove":
            users.remove(email)
        else:
            return refusal(context, request, reader, 404, "There is no such page or site here.")
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return _people(context, request, reader, 400, error=registry_sentence(reader, error))
    return RedirectResponse(link(context.settings, "/people", {"saved": "1"}), 303)


def keys_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /keys`.
    """
    return _guarded(context, request, "/keys")


def change_keys(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /keys`: make one, shown this once, or revoke one.
    """
    if not reader.is_owner:
        return refusal(context, request, reader, 403, NOT_YOURS)
    try:
        if form.get("action") == "add":
            _, plain = context.registry.keys.add(form.get("scope", ""), site=form.get("site") or None)
            return _keys(context, request, reader, 200, plain=plain)
        context.registry.keys.revoke(form.get("id", ""))
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return _keys(context, request, reader, 400, error=registry_sentence(reader, error))
    return RedirectResponse(link(context.settings, "/keys", {"saved": "1"}), 303)


def _guarded(context: Context, request: Request, path: str) -> Response:
    reader = reader_of(context, request)
    if reader.user is None:
        return RedirectResponse(link(context.settings, "/login", {"next": path}), 303)
    if not reader.is_owner:
        return refusal(context, request, reader, 403, NOT_YOURS)
    return (_people if path == "/people" else _keys)(context, request, reader, 200)


def _people(
    context: Context,
    request: Request,
    reader: Reader,
    status: int,
    *,
    error: str = "",
    invited: str = "",
    token: str = "",
) -> Response:
    users: list[User] = context.registry.users.all()
    address = public_address(context.settings, request).removesuffix(base_path(context.settings))
    return page(
        context, request, reader, "people.html", status,
        users=users, roles=ROLES, error=error, invited=invited,
        invitation=address + link(context.settings, "/setup", {"token": token}) if token else "",
        factors={user.id for user in users if context.registry.second_factors.is_on(user.id)},
        saved=request.query_params.get("saved") == "1" and not error,
    )  # fmt: skip


def _keys(
    context: Context, request: Request, reader: Reader, status: int, *, error: str = "", plain: str = ""
) -> Response:
    sites = context.registry.sites.all()
    return page(
        context, request, reader, "keys.html", status,
        keys=[key for key in context.registry.keys.all() if not key.revoked], scopes=SCOPES, sites=sites,
        domains={site.id: site.domain for site in sites}, error=error, plain=plain, day=_day,
        saved=request.query_params.get("saved") == "1" and not error,
    )  # fmt: skip


def _switch_factor_off(context: Context, email: str) -> None:
    user = next((user for user in context.registry.users.all() if user.email == email), None)
    if user is None:
        raise RegistryError("nobody has this e-mail address")
    context.registry.second_factors.switch_off(user.id)


def _day(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%d")
