"""
Refusals of the registry in the reader's language.
"""

from __future__ import annotations

import ast
import re
from html import unescape
from pathlib import Path

from dashboard.context import Context
from dashboard.pages.registry_words import SENTENCES
from tests.pages.browsing import form_token, signed_in

ROOT = Path(__file__).parents[2]
FOR_NO_PAGE = {"the registry has schema step {0}, this version of Daysalt knows {1}: run the newer version"}
"""Ends the start, before there is a page."""
NAMES = ("RegistryError", "SignInThrottled")


def template(node: ast.expr, constants: dict[str, str]) -> str:
    """
    Write the text of an expression with numbered gaps.
    """
    parts: list[str] = []

    def walk(part: ast.expr) -> None:
        if isinstance(part, ast.BinOp):
            walk(part.left)
            walk(part.right)
        elif isinstance(part, ast.JoinedStr):
            for value in part.values:
                parts.append(str(value.value) if isinstance(value, ast.Constant) else "\0")
        elif isinstance(part, ast.Name):
            parts.append(constants[part.id])
        else:
            assert isinstance(part, ast.Constant), ast.dump(part)
            parts.append(str(part.value))

    walk(node)
    numbers = iter(range(9))
    return re.sub("\0", lambda _: f"{{{next(numbers)}}}", "".join(parts))


def raised() -> set[str]:
    """
    List what the registry and the pages' forms raise, as the source has it.
    """
    found: set[str] = set()
    for path in (*(ROOT / "warehouse/registry").glob("*.py"), *(ROOT / "dashboard/pages").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            one.targets[0].id: one.value.value
            for one in tree.body
            if isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and isinstance(one.value, ast.Constant)
            and isinstance(one.value.value, str)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
                found.add(template(node.args[0], constants))
    return found


def test_every_refusal_is_translated() -> None:
    """
    Whoever writes a new sentence into the registry writes it for readers, too.
    """
    assert raised() - FOR_NO_PAGE == set(SENTENCES)


WRONG: list[tuple[str, dict[str, str], str, str]] = [
    ("/sites", {"domain": "not a domain"}, "cannot be a site", "kan inte vara en webbplats"),
    (
        "/sites/site1.test/settings/privacy",
        {"action": "change", "k": "101", "signals": "count", "datacenter": "keep"},
        "K is 101, but must be a whole number from 1 to 100",
        "K är 101, men måste vara ett heltal från 1 till 100",
    ),
    (
        "/sites/site1.test/settings/goals",
        {"action": "add", "kind": "event", "target": ""},
        "An event goal needs an event name of 1 to 120 characters",
        "Ett händelsemål behöver ett händelsenamn på 1 till 120 tecken",
    ),
    (
        "/sites/site1.test/settings/danger",
        {"action": "delete", "confirm": "x"},
        "Type site1.test to confirm: nothing was deleted",
        "Skriv site1.test för att bekräfta: inget raderades",
    ),
    (
        "/people",
        {"action": "role", "email": "anna@site1.test", "role": "viewer"},
        "anna@site1.test is the last owner: make somebody else an owner first",
        "anna@site1.test är den sista ägaren: gör någon annan till ägare först",
    ),
]


def test_refusals_are_the_readers(context: Context) -> None:
    """
    Each form says in the page's language what is wrong, with the values that were given.
    """
    context.registry.sites.add("site1.test")
    client = signed_in(context)
    token = form_token(client.get("/account").text)
    for path, sent, *expected in WRONG:
        for language, sentence in zip(("en", "sv"), expected, strict=True):
            answer = client.post(path, data={**sent, "form_token": token}, headers={"Accept-Language": language})
            assert (path, 400, True) == (path, answer.status_code, sentence in unescape(answer.text)), language
