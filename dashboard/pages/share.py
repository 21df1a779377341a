"""
Shared links: a dashboard for whoever has the address.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.door import EMBED_POLICY, Door, shared_door
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.rendering import link, page, text
from dashboard.pages.site import dashboard_through
from dashboard.stats.parse import parse_filters
from dashboard.stats.query import FilterTree
from warehouse.registry.errors import SignInThrottled
from warehouse.registry.shared_links import SharedLink
from warehouse.registry.sites import Site

GONE = "This link is unknown, was removed, or has ended. Ask whoever sent it for a new one."


def share_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /share/{slug}`.
    """
    reader = _anybody(reader_of(context, request))
    found = _found(context, request)
    if found is None:
        return refusal(context, request, reader, 404, GONE)
    shared, site, held = found
    ticket = request.query_params.get("ticket", "")
    if shared.has_password and not context.registry.shared_links.accepts(shared, ticket):
        return _password(context, request, reader, shared, 200, "")
    door = shared_door(shared.slug, reader, request, ticket if shared.has_password else "", held)
    return _framed(dashboard_through(context, request, reader, site, door), door)


def open_share(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /share/{slug}`: the password of a link.
    """
    reader = _anybody(reader)
    found = _found(context, request)
    if found is None:
        return refusal(context, request, reader, 404, GONE)
    shared = found[0]
    try:
        opened = context.registry.shared_links.open(shared, form.get("password", ""))
    except SignInThrottled as refused:
        sentence = text(reader, "Too many attempts for this link. Wait a little before the next one.")
        response = _password(context, request, reader, shared, 429, sentence)
        response.headers["Retry-After"] = str(refused.wait_seconds)
        return response
    if not opened:
        return _password(context, request, reader, shared, 401, text(reader, "The password is wrong."))
    door = shared_door(shared.slug, reader, request, context.registry.shared_links.ticket(shared), ())
    return RedirectResponse(link(context.settings, door.address, list(door.carried)), 303)


def _found(context: Context, request: Request) -> tuple[SharedLink, Site, tuple[FilterTree, ...]] | None:
    shared = context.registry.shared_links.find(request.path_params["slug"])
    site = None if shared is None else context.registry.sites.by_id(shared.site_id)
    if shared is None or site is None:
        return None
    if shared.segment_id is None:
        return shared, site, ()
    segment = context.registry.segments.find(site.id, shared.segment_id)
    # A link whose segment is gone shows nothing rather than everything.
    return None if segment is None else (shared, site, parse_filters(segment.filters))


def _anybody(reader: Reader) -> Reader:
    # A shared view is the same for everybody: what its owner sees here is what others see.
    address = reader.language_in_address or (reader.language if reader.user else None)
    return replace(reader, user=None, sign_in_token="", new_preferences={}, language_in_address=address)


def _password(
    context: Context, request: Request, reader: Reader, shared: SharedLink, status: int, error: str
) -> Response:
    door = shared_door(shared.slug, reader, request, "", ())
    action = link(context.settings, door.address, list(door.carried))
    return _framed(page(context, request, reader, "share.html", status, action=action, error=error), door)


def _framed(response: Response, door: Door) -> Response:
    if door.embedded:
        response.headers["Content-Security-Policy"] = EMBED_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    # The address is the key: it must not travel on to sites that are clicked.
    response.headers["Referrer-Policy"] = "same-origin"
    return response
