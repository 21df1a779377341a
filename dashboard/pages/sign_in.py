"""
The doors: first start, chosen passwords, signing in and out.
"""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader, forget_sign_in, reader_of, remember_sign_in
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import link, page, text
from warehouse.registry.errors import RegistryError, RegistryUnavailable, SignInThrottled
from warehouse.registry.users import User

WRONG = "The e-mail address or the password is wrong."
DEAD_LINK = (
    "This link is unknown, used or too old. Make a new one on the server, "
    "with `daysalt user setup` or `daysalt user reset-password`."
)


@cache
def timezones() -> tuple[str, ...]:
    """
    List the time zones people choose from, by name.
    """
    return tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith("SystemV")))


def login_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /login`.
    """
    reader = reader_of(context, request)
    if reader.user:
        return RedirectResponse(link(context.settings, "/"), 303)
    if context.registry.users.count() == 0:
        return page(context, request, reader, "first_start.html")
    return page(
        context, request, reader, "login.html", error="", email="", next=_local(request.query_params.get("next", ""))
    )


def login(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /login`. Every sign-in gets a token of its own; an earlier one in this browser ends.
    """
    email, next_path = form.get("email", ""), _local(form.get("next", ""))
    try:
        user = context.registry.users.check(email, form.get("password", ""))
    except SignInThrottled as refused:
        response = page(
            context, request, reader, "login.html", 429,
            error=text(reader, "Too many attempts for this account. Wait a little before the next one."),
            email=email, next=next_path,
        )  # fmt: skip
        response.headers["Retry-After"] = str(refused.wait_seconds)
        return response
    if user is None:
        return page(context, request, reader, "login.html", 401, error=text(reader, WRONG), email=email, next=next_path)
    if context.registry.second_factors.is_on(user.id):
        return _code(context, request, reader, 200, context.registry.second_factors.ticket(user), next_path, "")
    return _signed_in(context, reader, user, next_path or "/")


def login_code(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /login/code`: the second factor, after the password.
    """
    ticket, next_path = form.get("ticket", ""), _local(form.get("next", ""))
    try:
        user = context.registry.second_factors.check(ticket, form.get("code", ""))
    except SignInThrottled as refused:
        sentence = text(reader, "Too many attempts for this account. Wait a little before the next one.")
        response = _code(context, request, reader, 429, ticket, next_path, sentence)
        response.headers["Retry-After"] = str(refused.wait_seconds)
        return response
    if user is None:
        sentence = text(reader, "The code is wrong, or too much time went by since the password.")
        return _code(context, request, reader, 401, ticket, next_path, sentence)
    return _signed_in(context, reader, user, next_path or "/")


def logout(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /logout`.
    """
    context.registry.sign_ins.end(reader.sign_in_token)
    response = RedirectResponse(link(context.settings, "/login"), 303)
    forget_sign_in(response, context.settings)
    return response


def setup_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /setup?token=`: for the first owner, or for somebody who was sent a link.
    """
    reader = reader_of(context, request)
    token = request.query_params.get("token", "")
    is_first, email = context.registry.users.is_first_token(token), ""
    if not is_first:
        user = context.registry.users.token_user(token)
        if user is None:
            return refusal(context, request, reader, 403, DEAD_LINK)
        email = user.email
    return _setup(context, request, reader, 200, {"token": token, "email": email}, is_first, "")


def setup(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /setup`. The token is used up only when everything else was right.
    """
    registry, token, password = context.registry, form.get("token", ""), form.get("password", "")
    if not registry.users.is_first_token(token):
        try:
            user = registry.users.accept(token, password)
        except RegistryUnavailable:
            raise
        except RegistryError as error:
            if registry.users.token_user(token) is None:
                return refusal(context, request, reader, 403, DEAD_LINK)
            return _setup(context, request, reader, 400, form, False, registry_sentence(reader, error))
        if registry.second_factors.is_on(user.id):
            # A new password alone opens nothing where a second factor is asked for.
            return RedirectResponse(link(context.settings, "/login"), 303)
        return _signed_in(context, reader, user, "/")
    existing = registry.sites.find(form.get("domain", ""))
    site = existing
    try:
        # The site first: a wrong domain must not use up the token.
        site = existing or registry.sites.add(form.get("domain", ""), timezone=form.get("timezone") or "Etc/UTC")
        user = registry.users.accept_first(token, form.get("email", ""), password)
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        if site is not None and existing is None:
            registry.sites.remove(site.domain)
        return _setup(context, request, reader, 400, form, True, registry_sentence(reader, error))
    return _signed_in(context, reader, user, f"/{site.domain}")


def _setup(
    context: Context, request: Request, reader: Reader, status: int, form: Form, is_first: bool, error: str
) -> Response:
    return page(
        context, request, reader, "setup.html", status,
        token=form.get("token", ""), email=form.get("email", ""), domain=form.get("domain", ""),
        is_first=is_first, error=error, timezones=timezones(),
        chosen_timezone=form.get("timezone") or ("Europe/Stockholm" if reader.language == "sv" else "Etc/UTC"),
    )  # fmt: skip


def _code(
    context: Context, request: Request, reader: Reader, status: int, ticket: str, next_path: str, error: str
) -> Response:
    return page(context, request, reader, "code.html", status, ticket=ticket, next=next_path, error=error)


def _signed_in(context: Context, reader: Reader, user: User, path: str) -> Response:
    if reader.sign_in_token:
        context.registry.sign_ins.end(reader.sign_in_token)
    response = RedirectResponse(link(context.settings, path), 303)
    remember_sign_in(response, context.settings, context.registry.sign_ins.start(user.id))
    return response


def _local(path: str) -> str:
    # Only a path of our own: `//host` and `/\host` lead elsewhere.
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_local else ""
