"""
Notes on a site's graph: which a viewer sees, where they stand, and the forms that write them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from babel.core import Locale
from babel.dates import format_date
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import link
from dashboard.pages.view import read_view
from dashboard.stats.period import Period
from dashboard.stats.query import Viewer
from warehouse.registry.annotations import Annotation
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.sites import Site


@dataclass(frozen=True, slots=True)
class Mark:
    """
    The notes of one bucket of the graph.

    Attributes:
        index: of the bucket.
        at: its place, percent as text.
    """

    index: int
    at: str
    texts: tuple[str, ...]


def seen_annotations(context: Context, site: Site, period: Period, viewer: Viewer) -> list[Annotation]:
    """
    List the notes of a period that a viewer may see, oldest first.
    """
    only_public = viewer is not Viewer.MEMBER
    return context.registry.annotations.between(site.id, period.first, period.last, only_public=only_public)


def marks(annotations: Sequence[Annotation], labels: Sequence[str], locale: Locale) -> list[Mark]:
    """
    Find the bucket of each note: the last one that begins on its day or before, or the day's first hour.

    Args:
        labels: of all buckets, oldest first, beginning with their ISO day.
    """
    days = [label[:10] for label in labels]
    found: dict[int, list[str]] = {}
    for annotation in annotations:
        day = annotation.day.isoformat()
        index = days.index(day) if day in days else bisect_right(days, day) - 1
        if index >= 0:
            written = format_date(annotation.day, "d MMM", locale=locale)
            found.setdefault(index, []).append(f"{written}: {annotation.note}")
    last = max(1, len(labels) - 1)
    return [
        Mark(index, "50%" if len(labels) == 1 else f"{100 * index / last:.2f}%", tuple(texts))
        for index, texts in sorted(found.items())
    ]


def change_annotations(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /sites/{domain}/annotations`: `action` says whether to add, change or remove a note.
    """
    site = context.registry.sites.find(request.path_params["domain"])
    if site is None:
        return refusal(context, request, reader, 404, "There is no such page or site here.")
    if not reader.may_edit:
        return refusal(context, request, reader, 403, "You may look at this site, but not change it.")
    day, note, public, number = form.get("day", ""), form.get("note", ""), "public" in form, form.get("id", "")
    annotations, action = context.registry.annotations, form.get("action", "")
    annotation_id = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    try:
        if action == "add":
            annotations.add(site.id, day, note, public=public)
        elif action == "change":
            annotations.change(site.id, annotation_id, day, note, public=public)
        elif action == "remove":
            annotations.remove(site.id, annotation_id)
        else:
            return refusal(context, request, reader, 404, "There is no such page or site here.")
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return refusal(context, request, reader, 400, f"{registry_sentence(reader, error)}.")
    view = read_view(QueryParams(parse_qsl(form.get("view", ""), max_num_fields=100)), "28d")
    return RedirectResponse(link(context.settings, f"/{site.domain}", view.parameters()), 303)
