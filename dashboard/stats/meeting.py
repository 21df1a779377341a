"""
People who are in several of the rows that are folded into one: they are taken off once it is known which rows stay.

Only then it has to be asked at all: the folded row stands last, so of a report with many labels it is mostly not among
the rows shown, and where every label stays there is none.
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dashboard.stats.dimensions import OTHER
from dashboard.stats.parts import PARTS_OF
from dashboard.stats.rollup_parts import RollupParts
from dashboard.stats.scope import Parameters
from dashboard.stats.sql import Question
from dashboard.stats.statement import Statement

Rows = Sequence[tuple[Any, ...]]


def folds_afterwards(question: Question) -> bool:
    """
    Tell whether a question's rows show which labels stay: days that are over alone, of one dimension, from the first
    row on, where nothing but the visitors depends on who they are.
    """
    return (
        any(question.folded)
        and question.is_of_rollups
        and not question.imported
        and len(question.dimensions) == 1
        and question.query.offset == 0
        and all(
            name == "visitors" or "visitors" not in PARTS_OF.get(name, ("visitors",)) for name in question.query.metrics
        )
    )


def corrected(question: Question, rows: Rows, run: Callable[[Statement], Rows]) -> Rows:
    """
    Take those off the folded row who are in several of its labels on one day.

    Args:
        rows: as `Question.rows` asks for them.
        run: asks the store.
    """
    if not folds_afterwards(question) or not rows or rows[-1][0] != OTHER:
        # By every order what is folded stands last.
        return rows
    statement = _twice(question, [str(label) for label, *_ in rows[:-1]])
    twice = int(run(statement)[0][0])
    if not twice:
        return rows
    *others, visitors, everyone, total = rows[-1]
    for index, name in enumerate(question.query.metrics):
        if name == "visitors":
            others[1 + index] -= twice
    return [*rows[:-1], (*others, visitors - twice, everyone, total)]


def _twice(question: Question, kept: Sequence[str]) -> Statement:
    assert question.report is not None and question.closed is not None
    parameters = Parameters()
    rollups = RollupParts(
        question.site_id, question.period, question.report, question.dimensions, question.closed, parameters
    )
    folded = f"arrayCount(one -> NOT has({parameters.add(list(kept), 'Array(String)')}, one.1), labels)"
    return Statement(
        f"SELECT sum(visitors * ({folded} - 1)) FROM rollup_overlaps PREWHERE {rollups.bounds()} WHERE {folded} > 1",
        parameters.values,
    )
