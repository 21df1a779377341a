"""
Forms: read one, check where it came from, and answer it away from the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dashboard.context import Context
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.rendering import page, text
from dashboard.pages.security import is_form_token, is_same_origin

FORM_BYTES_MAX = 64 * 1024
FIELDS_MAX = 50

Form = dict[str, str]
FormHandler = Callable[[Context, Request, Reader, Form], Response]


def form_endpoint(
    context: Context, handler: FormHandler, *, signed_in: bool
) -> Callable[[Request], Coroutine[None, None, Response]]:
    """
    Make an endpoint of a form's handler, which then only sees forms from our own pages.

    Args:
        signed_in: the form belongs to somebody signed in and must carry their token.
    """

    async def endpoint(request: Request) -> Response:
        form = await _read(request)
        return await run_in_threadpool(_checked, form, request)

    def _checked(form: Form | None, request: Request) -> Response:
        reader = reader_of(context, request)
        if form is None:
            return refusal(context, request, reader, 413, "This form is too large.")
        if not is_same_origin(request.headers, context.settings):
            return refusal(context, request, reader, 403, "This form came from another site and was not accepted.")
        if signed_in and (reader.user is None or not is_form_token(reader.sign_in_token, form.get("form_token", ""))):
            return refusal(
                context, request, reader, 403, "You are no longer signed in here; open the page again and repeat."
            )
        return handler(context, request, reader, form)

    return endpoint


def refusal(context: Context, request: Request, reader: Reader, status: int, sentence: str) -> Response:
    """
    Answer with a page of one sentence.
    """
    heading = text(reader, "Not found") if status == 404 else text(reader, "That did not work")
    return page(context, request, reader, "message.html", status, heading=heading, sentence=text(reader, sentence))


async def _read(request: Request) -> Form | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return None
    return {name: values[-1] for name, values in fields.items()}
