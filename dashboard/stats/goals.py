"""
Goals as questions see them: which events fit one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from warehouse.registry.goals import Goal


def page_pattern(path: str) -> str:
    """
    Turn a goal's path into an RE2 pattern over the whole path: `**` is any text, `*` any text without a slash.
    """
    parts = re.split(r"(\*\*|\*)", path)
    meaning = {"**": ".*", "*": "[^/]*"}
    return "^" + "".join(meaning.get(part) or re.escape(part) for part in parts if part) + "$"


def goals_named(goals: Sequence[Goal], operator: str, values: Sequence[str], case_sensitive: bool) -> list[Goal]:
    """
    Pick the goals that a filter on `event:goal` names: by whole display name (`is`) or by a part of it (`contains`).
    """

    def fold(text: str) -> str:
        return text if case_sensitive else text.casefold()

    wanted = [fold(value) for value in values]
    if operator == "is":
        return [goal for goal in goals if fold(goal.display_name) in wanted]
    return [goal for goal in goals if any(value in fold(goal.display_name) for value in wanted)]
