"""
One's own account: password, second factor, and where one is signed in.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader, forget_sign_in, reader_of
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import link, page, text
from warehouse.registry.errors import RegistryError, RegistryUnavailable, SignInThrottled
from warehouse.registry.sign_ins import sign_in_id
from warehouse.registry.totp import app_address, new_secret


def account_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /account`.
    """
    reader = reader_of(context, request)
    if reader.user is None:
        return RedirectResponse(link(context.settings, "/login", {"next": "/account"}), 303)
    return _shown(context, request, reader, 200)


def change_account(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /account`: `action` says what to do.
    """
    assert reader.user is not None
    user, registry, action = reader.user, context.registry, form.get("action", "")
    try:
        if action == "password":
            registry.users.change_password(user, form.get("password", ""), form.get("new_password", ""))
            response = RedirectResponse(link(context.settings, "/login"), 303)
            forget_sign_in(response, context.settings)
            return response
        if action == "factor_on":
            codes = registry.second_factors.switch_on(user.id, form.get("secret", ""), form.get("code", ""))
            return _shown(context, request, reader, 200, codes=codes)
        if action == "factor_off":
            if registry.users.check(user.email, form.get("password", "")) is None:
                raise RegistryError("the present password is wrong: nothing was changed")
            registry.second_factors.switch_off(user.id)
        elif action == "end":
            registry.sign_ins.end_one(user.id, form.get("id", ""))
        else:
            return refusal(context, request, reader, 404, "There is no such page or site here.")
    except SignInThrottled as refused:
        sentence = text(reader, "Too many attempts for this account. Wait a little before the next one.")
        response = _shown(context, request, reader, 429, error=sentence, secret=form.get("secret", ""))
        response.headers["Retry-After"] = str(refused.wait_seconds)
        return response
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return _shown(
            context, request, reader, 400, error=registry_sentence(reader, error), secret=form.get("secret", "")
        )
    return RedirectResponse(link(context.settings, "/account", {"saved": "1"}), 303)


def _shown(
    context: Context,
    request: Request,
    reader: Reader,
    status: int,
    *,
    error: str = "",
    codes: list[str] | None = None,
    secret: str = "",
) -> Response:
    assert reader.user is not None
    # A new secret travels in the form until a code shows that the app has it; only then is it kept.
    secret = secret or new_secret()
    return page(
        context, request, reader, "account.html", status,
        error=error, codes=codes or [], secret=secret, app_address=app_address(secret, reader.user.email),
        factor=context.registry.second_factors.is_on(reader.user.id),
        codes_left=context.registry.second_factors.recovery_codes_left(reader.user.id),
        sign_ins=context.registry.sign_ins.all(reader.user.id), own_id=sign_in_id(reader.sign_in_token),
        saved=request.query_params.get("saved") == "1" and not error, day=_day,
    )  # fmt: skip


def _day(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
