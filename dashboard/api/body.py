"""
Bodies of requests: JSON, and the two kinds of forms that clients of the sites API send.
"""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.requests import Request

from dashboard.api.access import ApiError

BODY_BYTES_MAX = 256 * 1024
FIELDS_MAX = 100


async def json_object(request: Request) -> dict[str, Any]:
    """
    Read a JSON object of at most `BODY_BYTES_MAX`; nothing at all is an empty one.

    Raises:
        ApiError: too long, or something else.
    """
    return _object(await _read(request))


async def fields(request: Request) -> dict[str, Any]:
    """
    Read the fields of a request: its query, and over it a JSON object or a form.

    Raises:
        ApiError: the body is too long, or none of these.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await _read(request)
    found: dict[str, Any] = dict(request.query_params)
    try:
        if kind == "application/x-www-form-urlencoded":
            found.update(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))
        elif kind == "multipart/form-data":
            found.update(_multipart(request.headers["content-type"], raw))
        else:
            found.update(_object(raw))
    except ValueError:
        raise ApiError(400, "The body is not a form that can be read.") from None
    return found


async def _read(request: Request) -> bytes:
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            raise ApiError(413, f"The body is longer than {BODY_BYTES_MAX} bytes.")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body: Any = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "#: Type mismatch. Expected Object.")
    return cast(dict[str, Any], body)


def _multipart(content_type: str, raw: bytes) -> dict[str, str]:
    # The standard library reads it as the mail it was once made for.
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + raw)
    found: dict[str, str] = {}
    for part in list(message.iter_parts())[:FIELDS_MAX]:
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            # The documentation's own curl examples put the value in quotes.
            found[name] = content.decode("utf-8", "replace").strip().removeprefix('"').removesuffix('"')
    return found
