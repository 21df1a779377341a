"""
Goals as questions see them: which events fit one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dashboard.stats.query import FilterGroup, FilterTree, VisitFilter
from warehouse.registry.goals import Goal


def page_pattern(path: str) -> str:
    """
    Turn a goal's path into an RE2 pattern over the whole path: `**` is any text, `*` any text without a slash.
    """
    parts = re.split(r"(\*\*|\*)", path)
    meaning = {"**": ".*", "*": "[^/]*"}
    return "^" + "".join(meaning.get(part) or re.escape(part) for part in parts if part) + "$"


def goal_key(goal: Goal) -> str:
    """
    Name what a goal counts, whatever it is called: rollups keep its numbers under this.
    """
    parts = [goal.kind, goal.event_name or goal.page_path or ""]
    if goal.kind == "scroll":
        parts.append(str(goal.scroll_threshold))
    return " ".join([*parts, *(f"{key}={value}" for key, value in sorted(goal.custom_props.items()))])


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


def goals_in_play(goals: Sequence[Goal], filters: Sequence[FilterTree], *, by_goal: bool) -> list[Goal]:
    """
    Pick the goals that a question is about.

    Args:
        by_goal: its rows are goals.

    Returns:
        What the filters on `event:goal` name, wherever they stand; all goals for rows by goal without such a filter;
        none for a question that asks for no goal.
    """
    named: dict[int, Goal] = {}
    asked = False
    for operator, values, case_sensitive in _goal_filters(filters):
        asked = True
        named.update({goal.id: goal for goal in goals_named(goals, operator, values, case_sensitive)})
    if asked:
        return [goal for goal in goals if goal.id in named]
    return list(goals) if by_goal else []


def _goal_filters(filters: Sequence[FilterTree]) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    for tree in filters:
        if isinstance(tree, FilterGroup):
            yield from _goal_filters(tree.filters)
        elif isinstance(tree, VisitFilter):
            yield from _goal_filters((tree.filter,))
        elif tree.dimension == "event:goal":
            yield tree.operator, tree.values, tree.case_sensitive
