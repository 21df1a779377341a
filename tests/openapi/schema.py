"""
Holding values against the JSON Schemas of the specification: the words of the language that it uses, no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
KNOWN = frozenset(
    [
        "$ref",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "enum",
        "const",
        "oneOf",
        "anyOf",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "uniqueItems",
        "maxLength",
        "format",
        "default",
        "description",
    ]
)


def faults(document: dict[str, Any], schema: dict[str, Any], value: Any, at: str = "#") -> Iterator[str]:
    """
    List where a value is not as its schema says.
    """
    assert schema.keys() <= KNOWN, f"{at}: {schema.keys() - KNOWN} is not looked at here"
    if "$ref" in schema:
        named = document["components"]["schemas"][schema["$ref"].removeprefix("#/components/schemas/")]
        yield from faults(document, named, value, at)
        return
    if "const" in schema and schema["const"] != value:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "type" in schema and not _is_of(value, schema["type"]):
        yield f"{at}: {value!r} is not of type {schema['type']}"
    for word in ("oneOf", "anyOf"):
        if word in schema and all(any(faults(document, one, value, at)) for one in schema[word]):
            yield f"{at}: {value!r} fits nothing of {word}"
    if not schema.get("minimum", float("-inf")) <= (value if _is_of(value, "number") else 0):
        yield f"{at}: {value!r} is too small"
    if isinstance(value, dict):
        yield from _faults_of_object(document, schema, cast("dict[str, Any]", value), at)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(cast("list[Any]", value)):
            yield from faults(document, schema["items"], item, f"{at}/{index}")


def _faults_of_object(
    document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any], at: str
) -> Iterator[str]:
    known: dict[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: {name} is missing"
    for name, item in value.items():
        if name in known:
            yield from faults(document, known[name], item, f"{at}/{name}")
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from faults(document, schema["additionalProperties"], item, f"{at}/{name}")
        elif known:
            # Whoever writes the fields down means all of them.
            yield f"{at}: {name} is not described"


def _is_of(value: object, kinds: str | list[str]) -> bool:
    named = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool):
        return "boolean" in named
    return any(isinstance(value, _KINDS[kind]) for kind in named)
