"""
Which sets of filters are judged before a filtered question is answered: the whole, and what it is put together from.

A filter that singles out a few people gives them away as soon as it is combined: "all but those" with another filter,
less the other filter alone, is about those few. So each filter must pass on its own, and for the public, who may ask
as often as they like, every combination must pass against the ones with one filter less (`docs/decisions.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from dashboard.stats.query import Filter, FilterGroup, FilterTree, Viewer, VisitFilter

CONJUNCTS_MAX = 5
"""Of more filters than this, pairs and the whole are judged, not every combination."""

Filters = tuple[FilterTree, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What to judge: who fits `filters`, against who fits `parent` (nothing: everybody).
    """

    filters: Filters
    parent: Filters = ()
    may_be_empty: bool = False
    """One value of several: that nobody fits it says nothing of the whole."""


def verdicts(filters: Filters, viewer: Viewer) -> list[Verdict]:
    """
    List what must pass before a question with these filters is answered; the whole comes first.
    """
    parts = conjuncts(filters)
    found = [Verdict(filters)]
    if viewer is Viewer.MEMBER:
        return found + ([Verdict((part,)) for part in parts] if len(parts) > 1 else [])
    sizes = range(1, len(parts) + 1) if len(parts) <= CONJUNCTS_MAX else (1, 2, len(parts))
    for size in sizes:
        for chosen in combinations(parts, size):
            found.append(Verdict(chosen))
            if size > 1:
                found += [Verdict(chosen, tuple(one for one in chosen if one is not left)) for left in chosen]
    found += [Verdict((value,), may_be_empty=True) for part in parts for value in _values(part)]
    return list(dict.fromkeys(found))


def conjuncts(filters: Sequence[FilterTree]) -> Filters:
    """
    Take filters, all of which must fit, apart into ones that are no `and` of others.
    """
    found: list[FilterTree] = []
    for tree in filters:
        if isinstance(tree, FilterGroup) and tree.operator == "and":
            found += conjuncts(tree.filters)
        elif isinstance(tree, FilterGroup) and tree.operator == "not":
            found += _negated(tree.filters[0])
        else:
            found.append(tree)
    return tuple(dict.fromkeys(found))


def _negated(tree: FilterTree) -> Filters:
    if isinstance(tree, FilterGroup) and tree.operator == "not":
        return conjuncts(tree.filters)
    if isinstance(tree, FilterGroup) and tree.operator == "or":
        return conjuncts([FilterGroup("not", (inner,)) for inner in tree.filters])
    return (FilterGroup("not", (tree,)),)


def _values(tree: FilterTree) -> Filters:
    """
    The values of one filter, each as a filter of its own; none where it has one.
    """
    if isinstance(tree, VisitFilter):
        return tuple(VisitFilter(tree.operator, one) for one in _values(tree.filter))
    if isinstance(tree, Filter) and len(tree.values) > 1:
        return tuple(replace(tree, values=(value,)) for value in tree.values)
    return ()
