"""
Reading questions: the short way and the long way read alike.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.risk.asking import BadQuestion, CheckRequest, read_check


def read(question: dict[str, Any]) -> CheckRequest | dict[str, list[str]]:
    """
    Read a question, or tell what is wrong with it.
    """
    try:
        return read_check(json.dumps(question).encode())
    except BadQuestion as error:
        return error.errors


@pytest.mark.parametrize(
    "question",
    [
        {"ip": "192.0.2.1"}, {"ip": "192.0.2.1", "site": "site.test"}, {"ip": None}, {"ip": 5}, {"ip": "1" * 101},
        {"ip": "192.0.2.1", "ua": "a", "user_agent": "b"}, {"ip": "192.0.2.1", "user_agent": "b"},
        {"ip": "192.0.2.1", "ua": "", "user_agent": "b"}, {"ip": "192.0.2.1", "ua": None, "user_agent": 5},
        {"ip": "192.0.2.1", "ua": "a", "user_agent": 5}, {"ip": "192.0.2.1", "ua": "a", "user_agent": "b" * 5000},
        {"ip": "192.0.2.1", "ua": "a" * 5000}, {"ip": "192.0.2.1", "site": "s" * 301}, {"ip": "192.0.2.1", "site": 1},
        {"ip": "192.0.2.1", "headers": {"A": "b"}}, {"ip": "192.0.2.1", "headers": {"\u00e5": "b"}},
        {"ip": "192.0.2.1", "headers": {str(number): "b" for number in range(61)}}, {"ip": "192.0.2.1", "headers": []},
        {"ip": "192.0.2.1", "headers": {"A": "b" * 5000}, "site": "s" * 301}, {"ip": "192.0.2.1", "headers": None},
    ],
)  # fmt: skip
def test_an_unknown_field_changes_nothing(question: dict[str, Any]) -> None:
    """
    A question of known fields is read at once, one with others field by field: with the same outcome.
    """
    assert read({**question, "unknown": 1}) == read(question)


def test_a_question_is_not_printed() -> None:
    """
    It holds an address.
    """
    assert "192.0.2.1" not in repr(read_check(b'{"ip":"192.0.2.1"}'))
