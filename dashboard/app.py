"""
The read side as one ASGI app: pages, API, static files, and security headers on all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route

from dashboard.api.routes import build_api_routes
from dashboard.context import Context
from dashboard.pages import (
    account,
    annotations,
    api_docs,
    glossary,
    people,
    privacy,
    risk,
    script,
    segments,
    settings,
    share,
    sign_in,
    site,
    sites,
)
from dashboard.pages.assets import icon_file, robots_file, static_file
from dashboard.pages.compression import Compression
from dashboard.pages.forms import form_endpoint, refusal
from dashboard.pages.reader import reader_of
from dashboard.pages.rendering import base_path
from dashboard.pages.security import BasePath, SecurityHeaders
from warehouse.client import WarehouseUnavailable
from warehouse.log import logger
from warehouse.privacy.register import RegisterError
from warehouse.registry.errors import RegistryUnavailable

PAGES_AT_ONCE = 8
"""Threads that make pages; each may hold a client of the store, more requests queue."""

Page = Callable[[Context, Request], Response]
Endpoint = Callable[[Request], Coroutine[None, None, Response]]


def build_app(context: Context) -> Starlette:
    """
    Build the app. Sites come last: whatever no other route answers may be a site's domain.
    """
    limiter: list[anyio.CapacityLimiter] = []

    def endpoint(make: Page) -> Endpoint:
        async def answer(request: Request) -> Response:
            if not limiter:
                # Made here because it belongs to the running event loop.
                limiter.append(anyio.CapacityLimiter(PAGES_AT_ONCE))
            return await anyio.to_thread.run_sync(make, context, request, limiter=limiter[0])

        return answer

    interfaces = build_api_routes(context)

    async def site_page(request: Request) -> Response:
        if request.path_params["domain"].startswith("api/"):
            # A program wants a status, not the way to the sign-in page.
            known = any(route.matches(request.scope)[0] is Match.PARTIAL for route in interfaces)
            raise HTTPException(405 if known else 404)
        if request.path_params["domain"].startswith(".well-known/"):
            raise HTTPException(404)
        return await endpoint(site.site_page)(request)

    routes: list[BaseRoute] = [
        Route("/static/{name:path}", static_file),
        Route("/robots.txt", robots_file),
        Route("/favicon.ico", icon_file),
        *interfaces,
        Route("/openapi.json", endpoint(api_docs.specification)),
        Route("/docs", endpoint(api_docs.docs_page)),
        Route("/", endpoint(sites.site_list)),
        Route("/glossary", endpoint(glossary.glossary_page)),
        Route("/login", endpoint(sign_in.login_page)),
        Route("/login", form_endpoint(context, sign_in.login, signed_in=False), methods=["POST"]),
        Route("/login/code", form_endpoint(context, sign_in.login_code, signed_in=False), methods=["POST"]),
        Route("/logout", form_endpoint(context, sign_in.logout, signed_in=True), methods=["POST"]),
        Route("/setup", endpoint(sign_in.setup_page)),
        Route("/setup", form_endpoint(context, sign_in.setup, signed_in=False), methods=["POST"]),
        Route("/account", endpoint(account.account_page)),
        Route("/account", form_endpoint(context, account.change_account, signed_in=True), methods=["POST"]),
        Route("/people", endpoint(people.people_page)),
        Route("/people", form_endpoint(context, people.change_people, signed_in=True), methods=["POST"]),
        Route("/risk", endpoint(risk.risk_page)),
        Route("/risk", form_endpoint(context, risk.ask_risk, signed_in=True), methods=["POST"]),
        Route("/keys", endpoint(people.keys_page)),
        Route("/keys", form_endpoint(context, people.change_keys, signed_in=True), methods=["POST"]),
        Route(
            "/sites/{domain:path}/annotations",
            form_endpoint(context, annotations.change_annotations, signed_in=True),
            methods=["POST"],
        ),
        Route(
            "/sites/{domain:path}/segments",
            form_endpoint(context, segments.save_segment, signed_in=True),
            methods=["POST"],
        ),
        Route("/sites/{domain:path}/settings/{section}", endpoint(settings.settings_page)),
        Route(
            "/sites/{domain:path}/settings/{section}",
            form_endpoint(context, settings.change_settings, signed_in=True),
            methods=["POST"],
        ),
        Route("/share/{slug}", endpoint(share.share_page)),
        Route("/share/{slug}", form_endpoint(context, share.open_share, signed_in=False), methods=["POST"]),
        Route("/sites", form_endpoint(context, sites.add_site, signed_in=True), methods=["POST"]),
        Route("/privacy/{domain:path}/policy.json", endpoint(privacy.policy_json)),
        Route("/privacy/{domain:path}/retention-proof", endpoint(privacy.proof_page)),
        Route("/privacy/{domain:path}/me", endpoint(privacy.me_page)),
        Route("/privacy/{domain:path}", endpoint(privacy.policy_page)),
        Route("/sites/{domain:path}/script", endpoint(script.script_page)),
        Route(
            "/sites/{domain:path}/script",
            form_endpoint(context, script.change_script, signed_in=True),
            methods=["POST"],
        ),
        Route("/{domain:path}", site_page),
    ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(BasePath, path=base_path(context.settings)),
            Middleware(Compression),
        ],
        exception_handlers={
            HTTPException: _http_error(context, interfaces),
            WarehouseUnavailable: _unavailable(context),
            RegistryUnavailable: _unavailable(context),
            RegisterError: _unreadable_register,
        },
    )


def _allowed(interfaces: Sequence[Route], request: Request) -> str:
    """
    List the methods that an interface's address takes, by whichever of its routes.
    """
    matching = (route for route in interfaces if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(sorted({method for route in matching for method in route.methods or ()}))


def _http_error(
    context: Context, interfaces: Sequence[Route]
) -> Callable[[Request, Exception], Coroutine[None, None, Response]]:
    sentences = {404: "There is no such page or site here.", 405: "This address does not take that kind of request."}

    async def handle(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if request.url.path.startswith("/api/"):
            headers = {"Allow": _allowed(interfaces, request)} if error.status_code == 405 else error.headers
            return JSONResponse({"error": error.detail}, error.status_code, headers)

        def make() -> Response:
            sentence = sentences.get(error.status_code, "The request was not understood.")
            return refusal(context, request, reader_of(context, request), error.status_code, sentence)

        return await anyio.to_thread.run_sync(make)

    return handle


def _unavailable(context: Context) -> Callable[[Request, Exception], Coroutine[None, None, Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": "The store is not answering right now."}, 503, {"Retry-After": "5"})
        # Plain on purpose: the registry, which knows the reader, may be what is away.
        body = "The store is not answering right now. Nothing is lost: visits are kept and counted. Try again soon.\n"
        return Response(body, 503, {"Retry-After": "5"}, "text/plain; charset=utf-8")

    return handle


async def _unreadable_register(_request: Request, error: Exception) -> Response:
    """
    Say to visitors that the operator must act; what is wrong, and where, is in the log only.
    """
    logger().error("the operator's file about privacy cannot be used", reason=str(error))
    body = "The owner's file about privacy cannot be used. The server's log and `daysalt doctor --privacy` say why.\n"
    return Response(body, 500, media_type="text/plain; charset=utf-8")
