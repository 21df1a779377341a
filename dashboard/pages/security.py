"""
Security headers on every answer, and the checks on every form.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warehouse.settings import Settings

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# Not `no-referrer`: browsers would then send `Origin: null` with our own forms (Fetch, "append a request Origin").
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
}


class SecurityHeaders:
    """
    Middleware that adds the headers an answer does not set itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                framed = "frame-ancestors *" in headers.get("content-security-policy", "")
                for name, value in HEADERS.items():
                    if not (framed and name == "X-Frame-Options"):
                        headers.setdefault(name, value)
                # Pages are about people's sites and differ by sign-in: nothing in between may keep them.
                headers.setdefault("Cache-Control", "private, no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BasePath:
    """
    Middleware that takes the base path off the front, for proxies that pass it on.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        """
        Args:
            path: such as `/stats`, or empty.
        """
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and self._path and (path + "/").startswith(self._path + "/"):
            scope = {**scope, "path": path[len(self._path) :] or "/"}
        await self._app(scope, receive, send)


def is_same_origin(headers: Headers, settings: Settings) -> bool:
    """
    Tell whether a form was sent by one of our own pages, by `Sec-Fetch-Site`, else by `Origin`.

    A request with neither header comes from no browser that could be tricked, and passes.
    """
    fetch_site = headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    given = urlsplit(origin)
    if settings.base_url:
        wanted = urlsplit(settings.base_url)
        return (given.scheme, given.netloc.lower()) == (wanted.scheme, wanted.netloc.lower())
    return given.netloc.lower() == headers.get("host", "").lower()


def form_token(sign_in_token: str) -> str:
    """
    Derive the token that a signed-in person's forms carry; it cannot be turned back into the sign-in.
    """
    return hmac.new(sign_in_token.encode(), b"daysalt form", hashlib.sha256).hexdigest()


def is_form_token(sign_in_token: str, given: str) -> bool:
    """
    Tell whether a form carries the right token, in constant time.
    """
    return hmac.compare_digest(form_token(sign_in_token).encode(), given.encode("utf-8", "surrogatepass"))
