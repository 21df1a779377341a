"""
Rendering: templates to pages, in the reader's language, with links that respect the base path.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache, partial
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse

from dashboard.charts import numbers
from dashboard.context import Context
from dashboard.pages.assets import assets
from dashboard.pages.languages import LANGUAGES, locale_of, translations_of
from dashboard.pages.reader import Reader, remember_preferences
from dashboard.stats.answer import in_thread
from warehouse.settings import Settings

TEMPLATES_DIR = Path(__file__).parent.parent / "templates"
_FLUSH = Markup("<!--flush-->")
"""No text of a page is equal to it: what is put in is escaped."""
VARY = "Accept-Language, Cookie, HX-Request, HX-Target"


def base_path(settings: Settings) -> str:
    """
    Give the path of the public address, such as `/stats`, or empty.
    """
    return urlsplit(settings.base_url).path.rstrip("/")


def link(settings: Settings, path: str, parameters: dict[str, str] | list[tuple[str, str]] | None = None) -> str:
    """
    Write a link inside Daysalt.

    Args:
        path: begins with `/`; not quoted yet.
    """
    text = base_path(settings) + quote(path, safe="/:~")
    return f"{text}?{urlencode(parameters)}" if parameters else text


@cache
def environment(language: str) -> Environment:
    """
    Give the templates of a language, made once.
    """
    made = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.install_gettext_translations(translations_of(language), newstyle=True)  # type: ignore[attr-defined]  # added by the i18n extension
    locale = locale_of(language)
    # Jinja types both by the few things it puts there itself.
    cast("dict[str, object]", made.globals)["asset"] = _asset_path
    cast("dict[str, object]", made.filters).update(
        number=partial(numbers.full, locale=locale),
        short=partial(numbers.short, locale=locale),
        metric=partial(numbers.metric_text, locale=locale),
        percent=partial(numbers.percent, locale=locale),
    )
    return made


def _asset_path(name: str) -> str:
    return f"/static/{assets()[name].name}"


def text(reader: Reader, message: str) -> str:
    """
    Translate a message for a reader.
    """
    return translations_of(reader.language).gettext(message)


def page(
    context: Context, request: Request, reader: Reader, template: str, status: int = 200, /, **values: object
) -> HTMLResponse:
    """
    Render a template into an answer.
    """
    body = environment(reader.language).get_template(template).render(_around(context, request, reader), **values)
    response = HTMLResponse(body, status_code=status, headers=_headers(reader))
    remember_preferences(response, context.settings, reader)
    return response


def streamed_page(
    context: Context, request: Request, reader: Reader, template: str, /, **values: object
) -> StreamingResponse:
    """
    Render a template piece by piece: what stands before a `{{ flush() }}` is sent before what follows is made, so a
    browser paints the top of a page while its numbers are being counted.

    What the template calls must not raise: the status has been sent.
    """
    pieces = (
        environment(reader.language)
        .get_template(template)
        .generate(_around(context, request, reader), flush=lambda: _FLUSH, **values)
    )
    response = StreamingResponse(_sent(_gathered(pieces)), media_type="text/html", headers=_headers(reader))
    remember_preferences(response, context.settings, reader)
    return response


def _around(context: Context, request: Request, reader: Reader) -> dict[str, object]:
    settings = context.settings

    def footer_query(**changes: str) -> str:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] not in ("lang", "theme")]
        return urlencode([*kept, *changes.items()])

    def url(path: str, **parameters: str) -> str:
        if reader.language_in_address:
            parameters.setdefault("lang", reader.language_in_address)
        return link(settings, path, parameters)

    return {
        "reader": reader,
        "url": url,
        "base": base_path(settings),
        "languages": LANGUAGES,
        "footer_query": footer_query,
        "flush": str,
    }


def _headers(reader: Reader) -> dict[str, str]:
    return {"Vary": VARY, "Content-Language": reader.language}


def _gathered(pieces: Iterator[str]) -> Iterator[str]:
    kept: list[str] = []
    for piece in pieces:
        if piece == _FLUSH:
            yield "".join(kept)
            kept.clear()
        else:
            kept.append(piece)
    yield "".join(kept)


async def _sent(texts: Iterator[str]) -> AsyncIterator[str]:
    # Each text is made in a thread: it may wait for the store.
    while (text := await in_thread(next, texts, None)) is not None:
        yield text
