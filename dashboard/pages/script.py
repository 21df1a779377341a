"""
The page of a site's tracking script: what to paste, and what the script counts by itself.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import link, page
from dashboard.pages.snippet import own_snippet, public_address, snippet, started_snippet
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.sites import Site


def script_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /sites/{domain}/script`.
    """
    reader = reader_of(context, request)
    if reader.user is None:
        return RedirectResponse(link(context.settings, "/login", {"next": request.url.path}), 303)
    site = context.registry.sites.find(request.path_params["domain"])
    if site is None:
        return _no_site(context, request, reader)
    return _page(context, request, reader, site)


def change_script(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /sites/{domain}/script`. A box that is not ticked is not in the form.
    """
    site = context.registry.sites.find(request.path_params["domain"])
    if site is None:
        return _no_site(context, request, reader)
    if not reader.may_edit:
        return refusal(context, request, reader, 403, "You may look at sites, but not change them.")
    types = form.get("file_types", "")
    try:
        context.registry.tracker_scripts.change(
            site.id,
            outbound_links="outbound_links" in form,
            file_downloads="file_downloads" in form,
            file_types=types.replace(",", " ").split(),
            form_submissions="form_submissions" in form,
            hash_routing="hash_routing" in form,
        )
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return _page(context, request, reader, site, error=registry_sentence(reader, error), file_types=types)
    return RedirectResponse(link(context.settings, f"/sites/{site.domain}/script", {"saved": "1"}), 303)


def _page(
    context: Context, request: Request, reader: Reader, site: Site, *, error: str = "", file_types: str | None = None
) -> Response:
    address = public_address(context.settings, request)
    script = context.registry.tracker_scripts.of(site.id)
    integrity = context.script_integrity
    return page(
        context, request, reader, "script.html", 400 if error else 200,
        site=site, sites=context.registry.sites.all(), script=script, error=error,
        file_types=", ".join(script.file_types) if file_types is None else file_types,
        saved=request.query_params.get("saved") == "1" and not error,
        shared=snippet(address, site.domain), own=own_snippet(address, script.script_id),
        started=started_snippet(address, script.script_id),
        pinned=snippet(address, site.domain, integrity=integrity) if integrity else "",
    )  # fmt: skip


def _no_site(context: Context, request: Request, reader: Reader) -> Response:
    return refusal(context, request, reader, 404, "There is no such page or site here.")
