"""
The words that descriptions of operations are written in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Paths = dict[str, dict[str, Json]]
"""Path template to method, in lower case, to operation object."""

TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
BOOLEAN: Json = {"type": "boolean"}
NUMBER_OR_NULL: Json = {"type": ["number", "null"]}
TEXT_OR_NULL: Json = {"type": ["string", "null"]}
DAY: Json = {"type": "string", "format": "date"}
BEARER: list[Json] = [{"key": []}]
OPEN: list[Json] = []
NO_KEY = "No key, or one that is not good for this."


def ref(name: str) -> Json:
    """
    Point at a schema by name.
    """
    return {"$ref": f"#/components/schemas/{name}"}


def listing(items: Json) -> Json:
    """
    Describe a list.
    """
    return {"type": "array", "items": items}


def record(fields: Mapping[str, Json], optional: Sequence[str] = (), *, required: Sequence[str] | None = None) -> Json:
    """
    Describe an object.

    Args:
        optional: fields that may be missing; all others are always there.
        required: the fields that are always there, in place of `optional`.
    """
    always = [name for name in fields if name not in optional] if required is None else list(required)
    described: Json = {"type": "object", "properties": dict(fields)}
    return {**described, "required": always} if always else described


def parameter(name: str, text: str, schema: Json = TEXT, *, example: object = None, required: bool = False) -> Json:
    """
    Describe a parameter of the query.
    """
    described: Json = {"name": name, "in": "query", "description": text, "schema": schema}
    if required:
        described["required"] = True
    return described if example is None else {**described, "example": example}


def in_path(name: str, text: str, example: str) -> Json:
    """
    Describe a part of the address.
    """
    return {
        "name": name, "in": "path", "required": True, "description": text, "schema": TEXT, "example": example,
    }  # fmt: skip


def body(schema: Json, example: object, kind: str = "application/json", *, required: bool = True) -> Json:
    """
    Describe the body of a request.
    """
    return {"required": required, "content": {kind: {"schema": schema, "example": example}}}


def answer(text: str, schema: Json | None = None, example: object = None, kind: str = "application/json") -> Json:
    """
    Describe an answer.
    """
    if schema is None:
        return {"description": text}
    content: Json = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"description": text, "content": {kind: content}}


def refused(text: str, example: str | None = None) -> Json:
    """
    Describe an answer that says in one sentence what is wrong.
    """
    return answer(text, ref("Error"), None if example is None else {"error": example})


def operation(
    tag: str,
    name: str,
    summary: str,
    *,
    text: str = "",
    security: list[Json] = BEARER,
    parameters: Sequence[Json] = (),
    body: Json | None = None,
    answers: Mapping[int, Json],
) -> Json:
    """
    Describe an operation.

    Args:
        name: unlike that of all others.
        answers: by status.
    """
    described: Json = {"operationId": name, "tags": [tag], "summary": summary}
    if text:
        described["description"] = text
    if parameters:
        described["parameters"] = list(parameters)
    if body is not None:
        described["requestBody"] = body
    described["responses"] = {str(status): given for status, given in answers.items()}
    described["security"] = security
    return described


SITE_ID = parameter("site_id", "The site's domain.", example="site1.test", required=True)
DOMAIN = in_path("domain", "The site's domain; a slash in it is written %2F.", "site1.test")
