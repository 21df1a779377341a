"""
Saved segments on a dashboard: look through one, and save what is filtered now.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.filters import conditions_of, written
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import link
from dashboard.pages.view import View, read_view
from dashboard.stats.parse import parse_filters
from dashboard.stats.query import QueryError, Viewer
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.sites import Site


def with_segment(context: Context, site: Site, view: View, viewer: Viewer) -> View:
    """
    Put the filters of a view's segment into it. One that is gone, or not for this viewer, counts as not given.
    """
    segment = context.registry.segments.find(site.id, view.segment) if view.segment else None
    if segment is None or viewer is not Viewer.MEMBER:
        return view.with_segment(0)
    try:
        return replace(view, chosen=parse_filters(segment.filters))
    except QueryError:
        return view.with_segment(0)


def save_segment(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /sites/{domain}/segments`: save the filters of the address in `view` under `name`.
    """
    site = context.registry.sites.find(request.path_params["domain"])
    if site is None:
        return refusal(context, request, reader, 404, "There is no such page or site here.")
    if not reader.may_edit:
        return refusal(context, request, reader, 403, "You may look at this site, but not change it.")
    view = read_view(QueryParams(parse_qsl(form.get("view", ""), max_num_fields=100)), "28d")
    filters: list[object] = [written(tree) for tree in conditions_of(view.filters)]
    if view.segment:
        kept = context.registry.segments.find(site.id, view.segment)
        filters = [*(kept.filters if kept else []), *filters]
    try:
        segment = context.registry.segments.add(site.id, form.get("name", ""), filters)
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return refusal(context, request, reader, 400, f"{registry_sentence(reader, error)}.")
    shown = view.without_filters().with_segment(segment.id)
    return RedirectResponse(link(context.settings, f"/{site.domain}", shown.parameters()), 303)
