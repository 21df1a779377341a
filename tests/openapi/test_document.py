"""
The specification and its page: complete, true to the routes, and of our own look.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any

import pytest
from starlette.routing import Route

from dashboard.app import build_app
from dashboard.context import Context
from dashboard.openapi.document import TAGS, document
from ingest.door import Door
from ingest.risk import door as risk_door
from tests.openapi.schema import KNOWN, faults
from tests.pages.browsing import browser

METHODS = frozenset({"get", "put", "post", "delete"})


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document("")["paths"].items()
        for method, operation in methods.items()
    ]


def texts_in(function: object) -> set[str]:
    """
    List the text constants of a function.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]  # any function
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def answered_by_the_dashboard(context: Context) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for route in build_app(context).routes:
        assert isinstance(route, Route)
        path = re.sub(r"\{(\w+):path\}", r"{\1}", route.path)
        if path.startswith("/api/") or path.endswith((".json", "/retention-proof")):
            found |= {(path, method.lower()) for method in route.methods or () if method != "HEAD"}
    return found


def answered_by_the_collector() -> set[str]:
    paths = {text for text in texts_in(Door.__call__) if text.startswith("/") and text != "/"}
    risk = {text for text in texts_in(risk_door.RiskDoor.answer) if re.fullmatch(r"[a-z]+/?", text)}
    named = {"check", "feedback", "visits", "assessments/"}
    assert named <= risk
    return {
        *(path + "{name}" if path == "/js/" else path for path in paths),
        *(risk_door.PREFIX + (name + "{id}" if name.endswith("/") else name) for name in named),
    }


def test_every_route_is_described_and_no_other(context: Context) -> None:
    """
    What the dashboard and a collector answer to programs is what the specification names.
    """
    by_collector = answered_by_the_collector()
    described = {(path, method) for path, method, _ in operations()}

    assert answered_by_the_dashboard(context) == {pair for pair in described if pair[0] not in by_collector}
    assert by_collector == {path for path, _ in described if path in by_collector}


def test_the_document_is_whole() -> None:
    """
    Names are there once, references lead somewhere, parts of addresses are described, and tags are known.
    """
    found = document("/stats")
    names = [operation["operationId"] for _, _, operation in operations()]
    used = set(re.findall(r"#/components/schemas/(\w+)", repr(found)))

    assert ("3.1.0", "/stats") == (found["openapi"], found["servers"][0]["url"])
    assert len(names) == len(set(names))
    assert set(found["components"]["schemas"]) == used
    assert set(TAGS) == {tag for _, _, operation in operations() for tag in operation["tags"]}
    for path, method, operation in operations():
        in_path = {given["name"] for given in operation.get("parameters", ()) if given["in"] == "path"}
        assert set(re.findall(r"\{(\w+)\}", path)) == in_path, path
        assert method in METHODS
        assert operation["responses"]


def test_examples_fit_their_shapes() -> None:
    """
    Every example, sent or answered, is as its own schema says.
    """
    found = document("")
    contents = [
        (f"{method} {path}", content)
        for path, method, operation in operations()
        for given in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in given.get("content", {}).values()
        if "example" in content
    ]

    assert len(contents) > 30
    assert [] == [
        f"{where}: {fault}"
        for where, content in contents
        for fault in faults(found, content["schema"], content["example"])
    ]
    assert "properties" in KNOWN


def test_faults_are_found() -> None:
    """
    The check above is not blind: a missing, an unknown and a wrong field are told.
    """
    found = document("")
    schema = {"$ref": "#/components/schemas/SiteList"}
    wrong = {"sites": [{"domain": 7, "more": 1}]}

    assert [
        "#: meta is missing",
        "#/sites/0: timezone is missing",
        "#/sites/0/domain: 7 is not of type string",
        "#/sites/0: more is not described",
    ] == list(faults(found, schema, wrong))


def test_programs_read_it_from_anywhere(context: Context) -> None:
    """
    The specification needs no key, names the public address, and may be read by a page of another origin.
    """
    answer = browser(context, base_url="https://site1.test/stats").get("/openapi.json")

    assert (200, "*") == (answer.status_code, answer.headers["access-control-allow-origin"])
    assert [{"url": "https://site1.test/stats"}] == answer.json()["servers"]


@pytest.mark.parametrize(("language", "heading"), [("en", "Interfaces"), ("sv", "Gränssnitt")])
def test_the_page_shows_every_operation(context: Context, language: str, heading: str) -> None:
    """
    People find each operation with its answers and a command to try, without scripts of others or in the page.
    """
    answer = browser(context, language=language).get("/docs")

    assert (200, language) == (answer.status_code, answer.headers["content-language"])
    assert f"<h1>{heading}</h1>" in answer.text
    for path, method, operation in operations():
        assert f'id="{operation["operationId"]}"' in answer.text
        assert f"{method.upper()}</code>" in answer.text
        assert path in answer.text
    assert answer.text.count("curl ") == len(operations())
    assert None is re.search(r"<script(?![^>]*\bsrc=\"/static/)|<style|\sstyle=|\son\w+=", answer.text)
    assert [] == re.findall(r'(?:src|href)="(https?:[^"]+)"', answer.text)
    targets = re.findall(r'href="#([\w-]+)"', answer.text)
    assert [] == [target for target in targets if f'id="{target}"' not in answer.text]
