"""
Goals: what counts as a conversion of a site.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.goal_parts import (
    checked_currency,
    checked_custom_props,
    checked_display_name,
    checked_kind,
    checked_target,
)
from warehouse.registry.schema import FUNNEL_STEPS, GOALS, SITES

GOALS_MAX = 1000
"""Per site: a question about goals holds each event against all of them."""

GoalKind = Literal["event", "page", "scroll"]


@dataclass(frozen=True, slots=True)
class Goal:
    """
    One goal. An `event` goal has `event_name`; the others have `page_path`, in which `**` stands for any text and `*`
    for any without a slash; a `scroll` goal also `scroll_threshold` (percent of the page, 1 to 100).
    """

    id: int
    site_id: int
    kind: GoalKind
    event_name: str | None
    page_path: str | None
    display_name: str
    created_ms: int
    scroll_threshold: int | None = None
    currency: str | None = None
    """ISO 4217; the goal's revenue is counted in it."""
    custom_props: Mapping[str, str] = field(default_factory=dict[str, str])
    """Properties that the event must carry, all of them."""


class Goals:
    """
    The goals of every site.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(
        self,
        site_id: int,
        *,
        kind: str,
        event_name: str | None = None,
        page_path: str | None = None,
        display_name: str | None = None,
        scroll_threshold: object = None,
        currency: str | None = None,
        custom_props: object = None,
    ) -> Goal:
        """
        Add a goal; one that counts the same events is given back as it is.

        Raises:
            RegistryError: no such site, the goal is not whole, another one has its name, or it has another currency.
        """
        checked, threshold = checked_kind(kind, scroll_threshold)
        target = checked_target(checked, event_name, page_path)
        props = checked_custom_props(custom_props)
        code = checked_currency(checked, currency)
        name = checked_display_name(display_name)
        with self._connection.change() as transaction:
            there = _goals(transaction, site_id)
            for goal in there:
                if _identity(goal) == (checked, target, threshold, props):
                    if code is not None and goal.currency != code:
                        raise RegistryError(
                            f"the goal {goal.display_name!r} is there already with"
                            f" {'the currency ' + goal.currency if goal.currency else 'no currency'}: remove it first"
                        )
                    return goal
            if transaction.execute(select(SITES.c.id).where(SITES.c.id == site_id)).first() is None:
                raise RegistryError(f"there is no site with the number {site_id}: see `daysalt site list`")
            if len(there) >= GOALS_MAX:
                raise RegistryError(f"the site has {GOALS_MAX} goals already: remove one first")
            _claim_name(there, name or _own_name(checked, target, threshold))
            made = transaction.execute(
                insert(GOALS)
                .values(
                    site_id=site_id,
                    kind=checked,
                    target=target,
                    scroll_threshold=threshold,
                    currency=code,
                    custom_props=json.dumps(props, sort_keys=True),
                    display_name=name,
                    created_ms=self._clock.now_ms(),
                )
                .returning(GOALS)
            ).one()
            return _goal(made)

    def all(self, site_id: int) -> list[Goal]:
        """
        List a site's goals, the oldest first.
        """
        with self._connection.read() as transaction:
            return _goals(transaction, site_id)

    def rename(self, site_id: int, goal_id: int, display_name: str) -> Goal:
        """
        Give a goal another name to show.

        Raises:
            RegistryError: the site has no such goal, or another one has this name.
        """
        name = checked_display_name(display_name)
        same = (GOALS.c.site_id == site_id) & (GOALS.c.id == goal_id)
        with self._connection.change() as transaction:
            there = _goals(transaction, site_id)
            if not any(goal.id == goal_id for goal in there):
                raise RegistryError(f"the site has no goal with the number {goal_id}")
            _claim_name([goal for goal in there if goal.id != goal_id], name or "")
            transaction.execute(update(GOALS).where(same).values(display_name=name))
            return _goal(transaction.execute(select(GOALS).where(same)).one())

    def remove(self, site_id: int, goal_id: int) -> Goal:
        """
        Remove a goal; what was counted stays in the events.

        Raises:
            RegistryError: the site has no such goal.
        """
        same = (GOALS.c.site_id == site_id) & (GOALS.c.id == goal_id)
        with self._connection.change() as transaction:
            row = transaction.execute(select(GOALS).where(same)).one_or_none()
            if row is None:
                raise RegistryError(f"the site has no goal with the number {goal_id}")
            transaction.execute(delete(FUNNEL_STEPS).where(FUNNEL_STEPS.c.goal_id == goal_id))
            transaction.execute(delete(GOALS).where(same))
            return _goal(row)


def _goals(transaction: Connection, site_id: int) -> list[Goal]:
    rows = transaction.execute(select(GOALS).where(GOALS.c.site_id == site_id).order_by(GOALS.c.id)).all()
    return [_goal(row) for row in rows]


def _identity(goal: Goal) -> tuple[str, str, int | None, dict[str, str]]:
    return (goal.kind, goal.event_name or goal.page_path or "", goal.scroll_threshold, dict(goal.custom_props))


def _claim_name(goals: list[Goal], name: str) -> None:
    # Answers and filters name goals by what is shown: two of one name could not be told apart.
    if any(goal.display_name == name for goal in goals):
        raise RegistryError(f"the site has a goal called {name[:200]!r} already: give another display_name")


def _own_name(kind: str, target: str, threshold: int | None) -> str:
    if kind == "event":
        return target
    return f"Visit {target}" if kind == "page" else f"Scroll {threshold}% on {target}"


def _goal(row: Row[Any]) -> Goal:
    kind: GoalKind = row.kind
    return Goal(
        id=row.id,
        site_id=row.site_id,
        kind=kind,
        event_name=row.target if kind == "event" else None,
        page_path=None if kind == "event" else row.target,
        display_name=row.display_name or _own_name(kind, row.target, row.scroll_threshold),
        created_ms=row.created_ms,
        scroll_threshold=row.scroll_threshold,
        currency=row.currency,
        custom_props=json.loads(row.custom_props),
    )
