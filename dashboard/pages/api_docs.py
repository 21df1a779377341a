"""
`/openapi.json`, and `/docs`, which shows the same to people.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.context import Context
from dashboard.openapi.document import document
from dashboard.pages.reader import reader_of
from dashboard.pages.rendering import base_path, page
from dashboard.pages.snippet import public_address


@dataclass(frozen=True, slots=True)
class Answered:
    """
    One answer of an operation, as shown.
    """

    status: str
    text: str
    shape: str
    example: str


@dataclass(frozen=True, slots=True)
class Shown:
    """
    One operation, as shown; `sent` is the shape of the body, each text empty when there is nothing to say.
    """

    id: str
    method: str
    path: str
    summary: str
    text: str
    needs_key: bool
    parameters: tuple[dict[str, Any], ...]
    sent: str
    curl: str
    answers: tuple[Answered, ...]


def specification(context: Context, request: Request) -> Response:
    """
    Answer `GET /openapi.json`.
    """
    found = document(context.settings.base_url.rstrip("/") or base_path(context.settings))
    return JSONResponse(found, headers={"Access-Control-Allow-Origin": "*"})


def docs_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /docs`.
    """
    found = document(context.settings.base_url.rstrip("/") or base_path(context.settings))
    address = public_address(context.settings, request)
    operations = [
        (operation["tags"][0], _shown(path, method, operation, address))
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    ]
    areas = [
        (tag["name"], tag["description"], [shown for name, shown in operations if name == tag["name"]])
        for tag in found["tags"]
    ]
    schemas = [(name, _pretty(schema)) for name, schema in sorted(found["components"]["schemas"].items())]
    return page(
        context, request, reader_of(context, request), "docs.html",
        areas=areas, schemas=schemas, version=found["info"]["version"], introduction=found["info"]["description"],
    )  # fmt: skip


def curl_of(path: str, method: str, operation: dict[str, Any], address: str) -> str:
    """
    Write an operation's example as a command.

    Args:
        address: what stands before the path.
    """
    query: list[tuple[str, str]] = []
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(parameter["example"], safe="."))
        elif "example" in parameter:
            query.append((parameter["name"], parameter["example"]))
    target = address + path + ("?" + urlencode(query) if query else "")
    parts = [f"curl {'' if method == 'get' else f'-X {method.upper()} '}{shlex.quote(target)}"]
    if operation["security"]:
        parts.append("-H 'Authorization: Bearer KEY'")
    content = operation.get("requestBody", {}).get("content", {})
    for kind, described in content.items():
        if "example" in described:
            example = described["example"]
            sent = example.rstrip("\n") if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
            parts += [f"-H 'Content-Type: {kind}'", f"--data-binary {shlex.quote(sent)}"]
            break
    return " \\\n  ".join(parts)


def _shown(path: str, method: str, operation: dict[str, Any], address: str) -> Shown:
    content = operation.get("requestBody", {}).get("content", {})
    return Shown(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        needs_key=bool(operation["security"]),
        parameters=tuple(operation.get("parameters", ())),
        sent=_shape(next(iter(content.values()))["schema"]) if content else "",
        curl=curl_of(path, method, operation, address),
        answers=tuple(_answered(status, given) for status, given in operation["responses"].items()),
    )


def _answered(status: str, given: dict[str, Any]) -> Answered:
    content: dict[str, Any] = next(iter(given["content"].values())) if "content" in given else {}
    example = content.get("example")
    return Answered(
        status,
        given["description"],
        _shape(content.get("schema", {})),
        example if isinstance(example, str) else "" if example is None else _pretty(example),
    )


def _shape(schema: dict[str, Any]) -> str:
    """
    Name a schema; one without a name is written out by its kind.
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array" and "$ref" in schema["items"]:
        return f"[{_shape(schema['items'])}]"
    return _pretty(schema) if schema.get("type") == "object" and "properties" in schema else ""


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
