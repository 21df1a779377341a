"""
Who reads a page, and how they like it: sign-in, language, light or dark.

Nobody who is not signed in gets a cookie; their language travels in the address instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from dashboard.context import Context
from dashboard.pages.languages import LANGUAGES, chosen_language
from dashboard.pages.security import form_token
from warehouse.registry.sign_ins import IDLE_MS_MAX
from warehouse.registry.users import User
from warehouse.settings import Settings

THEMES = ("auto", "light", "dark")
LANGUAGE_COOKIE = "daysalt_lang"
THEME_COOKIE = "daysalt_theme"
PREFERENCE_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Reader:
    """
    One reader of one page.
    """

    user: User | None
    sign_in_token: str
    language: str
    theme: str
    language_in_address: str | None
    """The language that links must carry on, for somebody without a cookie."""
    new_preferences: dict[str, str]
    """Cookies to set, by name: what this request chose, for somebody signed in."""

    @property
    def form_token(self) -> str:
        return form_token(self.sign_in_token) if self.user else ""

    @property
    def may_edit(self) -> bool:
        return self.user is not None and self.user.role in ("owner", "editor")

    @property
    def is_owner(self) -> bool:
        return self.user is not None and self.user.role == "owner"


def is_https(settings: Settings) -> bool:
    """
    Tell whether the public address is https; cookies are `Secure` then.
    """
    return urlsplit(settings.base_url).scheme == "https"


def cookie_name(settings: Settings) -> str:
    """
    Name the sign-in cookie; `__Host-` ties it to this host, which browsers allow over https only.
    """
    return "__Host-daysalt" if is_https(settings) else "daysalt"


def reader_of(context: Context, request: Request) -> Reader:
    """
    Find out who reads. Blocks while the registry answers.
    """
    token = request.cookies.get(cookie_name(context.settings), "")
    user = context.registry.sign_ins.find(token) if token else None
    asked_language, asked_theme = request.query_params.get("lang"), request.query_params.get("theme")
    language = asked_language if asked_language in LANGUAGES else None
    theme = asked_theme if asked_theme in THEMES else None
    preferences: dict[str, str] = {}
    if user:
        if language:
            preferences[LANGUAGE_COOKIE] = language
        if theme:
            preferences[THEME_COOKIE] = theme
        language = language or request.cookies.get(LANGUAGE_COOKIE)
        theme = theme or request.cookies.get(THEME_COOKIE)
    return Reader(
        user=user,
        sign_in_token=token if user else "",
        language=chosen_language(language, request.headers.get("accept-language", "")),
        theme=theme if theme in THEMES else "auto",
        language_in_address=None if user else language,
        new_preferences=preferences,
    )


def remember_sign_in(response: Response, settings: Settings, token: str) -> None:
    """
    Set the sign-in cookie.
    """
    _set_cookie(response, settings, cookie_name(settings), token, IDLE_MS_MAX // 1000)


def forget_sign_in(response: Response, settings: Settings) -> None:
    """
    Take the sign-in cookie away.
    """
    name = cookie_name(settings)
    response.delete_cookie(name, path="/", secure=is_https(settings), httponly=True, samesite="lax")


def remember_preferences(response: Response, settings: Settings, reader: Reader) -> None:
    """
    Keep what a signed-in reader chose with this request.
    """
    for name, value in reader.new_preferences.items():
        _set_cookie(response, settings, name, value, PREFERENCE_SECONDS)


def _set_cookie(response: Response, settings: Settings, name: str, value: str, seconds: int) -> None:
    # Lax, not Strict: a link to one's own dashboard in a mail should open it, and forms have checks of their own.
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=is_https(settings), httponly=True, samesite="lax"
    )
