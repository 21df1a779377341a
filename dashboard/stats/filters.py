"""
Filters as conditions over events or visits.

A filter on an event, asked of visits, means visits that hold such an event; one on the hostname means visits that
entered on that host, as in the stats API.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboard.stats.dimensions import PROPS_PREFIX, Dimension, known_dimension
from dashboard.stats.goals import goals_named
from dashboard.stats.query import Filter, FilterGroup, FilterTree, VisitFilter
from dashboard.stats.scope import Scope

OPERATORS = ("is", "is_not", "contains", "contains_not", "matches", "matches_not")


def leaves(tree: FilterTree) -> Iterator[Filter]:
    """
    List the conditions of a tree on the rows themselves, without those inside `has_done`.
    """
    if isinstance(tree, Filter):
        yield tree
    elif isinstance(tree, FilterGroup):
        for inner in tree.filters:
            yield from leaves(inner)


def asks_events(tree: FilterTree) -> bool:
    """
    Tell whether a tree looks at single events (other than at their hostname, which a visit's entry has too).
    """
    return any(known_dimension(leaf.dimension).family == "event" for leaf in leaves(tree)) and not asks_hostname(tree)


def asks_hostname(tree: FilterTree) -> bool:
    """
    Tell whether the hostname is all that a tree looks at in events.
    """
    events = {leaf.dimension for leaf in leaves(tree) if known_dimension(leaf.dimension).family == "event"}
    return events == {"event:hostname"}


def asks_visits(tree: FilterTree) -> bool:
    """
    Tell whether a tree looks at attributes of a visit, which a hit with GPC or DNT does not have.
    """
    if isinstance(tree, VisitFilter):
        return True
    if isinstance(tree, FilterGroup):
        return any(asks_visits(inner) for inner in tree.filters)
    return known_dimension(tree.dimension).family == "visit"


def row_conditions(trees: Sequence[FilterTree], scope: Scope) -> list[str]:
    """
    Turn filters, all of which must fit, into conditions for the rows of a scope.
    """
    if scope.table == "events":
        conditions = [condition(tree, scope) for tree in trees]
        if any(asks_visits(tree) for tree in trees):
            conditions.append("visit_id != 0")
        return conditions
    whole = [condition(tree, scope) for tree in trees if not asks_events(tree)]
    # One subquery for all of them: the same event must fit every one.
    held = [tree for tree in trees if asks_events(tree)]
    if held:
        whole.append(f"visit_id IN ({_visits_with(held, scope)})")
    return whole


def entry_conditions(trees: Sequence[FilterTree], scope: Scope) -> list[str]:
    """
    Conditions on the entry page of a visit that repeat the filters on `event:page`, for the bounce rate.
    """
    only_pages = [
        tree for tree in trees if {leaf.dimension for leaf in leaves(tree)} == {"event:page"} and not _has_visit(tree)
    ]
    return [condition(tree, scope) for tree in only_pages]


def visits_of(filters: Sequence[FilterTree]) -> list[FilterTree]:
    """
    Let what is asked of single events choose visits: a step of a funnel need not itself be on the filtered page.
    """
    of_events = tuple(tree for tree in filters if asks_events(tree) or asks_hostname(tree))
    others = [tree for tree in filters if tree not in of_events]
    return [*others, VisitFilter("has_done", FilterGroup("and", of_events))] if of_events else others


def condition(tree: FilterTree, scope: Scope) -> str:
    """
    Turn one tree into a condition.
    """
    if isinstance(tree, VisitFilter):
        negation = "NOT " if tree.operator == "has_not_done" else ""
        return f"visit_id {negation}IN ({_visits_with([tree.filter], scope)})"
    if isinstance(tree, FilterGroup):
        parts = [condition(inner, scope) for inner in tree.filters]
        if tree.operator == "not":
            return f"NOT ({parts[0]})"
        return "(" + f" {tree.operator.upper()} ".join(parts) + ")"
    if tree.dimension == "event:goal":
        fitting = goals_named(scope.goals, tree.operator, tree.values, tree.case_sensitive)
        return "(" + " OR ".join(scope.goal_condition(goal) for goal in fitting) + ")" if fitting else "0"
    return _leaf(tree, known_dimension(tree.dimension), scope)


def _leaf(leaf: Filter, dimension: Dimension, scope: Scope) -> str:
    column = scope.column(dimension)
    operator, negated = leaf.operator.removesuffix("_not"), leaf.operator.endswith("_not")
    values = list(leaf.values)
    if operator == "is" and dimension.empty in values:
        # Both: what is not known is stored as '', but the channel `Direct` is written out.
        values.append("")
    if operator == "is":
        fits = _is(column, values, leaf.case_sensitive, scope)
    elif operator == "contains":
        fits = _contains(column, values, leaf.case_sensitive, scope)
    else:
        fits = _matches(column, values, leaf.case_sensitive, scope)
    if not negated:
        return fits
    # Theirs: an event without the property is not "a property that does not contain".
    return f"(NOT {fits} AND {column} != '')" if dimension.prop and operator != "is" else f"NOT {fits}"


def _is(column: str, values: list[str], case_sensitive: bool, scope: Scope) -> str:
    if not case_sensitive:
        array = scope.parameters.add(values, "Array(String)")
        return f"has(arrayMap(value -> lowerUTF8(value), {array}), lowerUTF8({column}))"
    return f"has({scope.parameters.add(values, 'Array(String)')}, {column})"


def _contains(column: str, values: list[str], case_sensitive: bool, scope: Scope) -> str:
    search = "position" if case_sensitive else "positionCaseInsensitiveUTF8"
    array = scope.parameters.add(values, "Array(String)")
    return f"arrayExists(value -> {search}({column}, value) > 0, {array})"


def _matches(column: str, values: list[str], case_sensitive: bool, scope: Scope) -> str:
    patterns = values if case_sensitive else [f"(?i){value}" for value in values]
    return "(" + " OR ".join(f"match({column}, {scope.parameters.add(value, 'String')})" for value in patterns) + ")"


def _visits_with(trees: Sequence[FilterTree], outer: Scope) -> str:
    scope = outer.beside("events")
    conditions = [condition(tree, scope) for tree in trees]
    return f"SELECT events.visit_id {scope.source([*conditions, 'visit_id != 0'])}"


def _has_visit(tree: FilterTree) -> bool:
    if isinstance(tree, FilterGroup):
        return any(_has_visit(inner) for inner in tree.filters)
    return isinstance(tree, VisitFilter)


def unconverted(filters: Sequence[FilterTree]) -> tuple[FilterTree, ...]:
    """
    Leave out what a conversion is measured against: filters on goals and properties.
    """

    def about_conversion(tree: FilterTree) -> bool:
        return any(leaf.dimension == "event:goal" or leaf.dimension.startswith(PROPS_PREFIX) for leaf in leaves(tree))

    return tuple(tree for tree in filters if not (isinstance(tree, Filter) and about_conversion(tree)))
