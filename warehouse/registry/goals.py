"""
Goals: what counts as a conversion of a site.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import GOALS, SITES

EVENT_NAME_CHARS_MAX = 120
"""As in the events API: https://plausible.io/docs/events-api"""

PAGE_PATH_CHARS_MAX = 2000
DISPLAY_NAME_CHARS_MAX = 200
GOALS_MAX = 1000
"""Per site: a question about goals holds each event against all of them."""


@dataclass(frozen=True, slots=True)
class Goal:
    """
    One goal. Of `event_name` and `page_path` the one that `kind` names is set; `*` in a path stands for any text.
    """

    id: int
    site_id: int
    kind: Literal["event", "page"]
    event_name: str | None
    page_path: str | None
    display_name: str
    created_ms: int


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
    ) -> Goal:
        """
        Add a goal; one that is there already is given back as it is.

        Raises:
            RegistryError: no such site, or the goal is not whole.
        """
        target = _checked_target(kind, event_name, page_path)
        if display_name is not None and not 0 < len(display_name.strip()) <= DISPLAY_NAME_CHARS_MAX:
            raise RegistryError(f"the display name must have 1 to {DISPLAY_NAME_CHARS_MAX} characters")
        same = (GOALS.c.site_id == site_id) & (GOALS.c.kind == kind) & (GOALS.c.target == target)
        with self._connection.change() as transaction:
            row = transaction.execute(select(GOALS).where(same)).one_or_none()
            if row is None:
                if transaction.execute(select(SITES.c.id).where(SITES.c.id == site_id)).first() is None:
                    raise RegistryError(f"there is no site with the number {site_id}: see `daysalt site list`")
                if len(transaction.execute(select(GOALS.c.id).where(GOALS.c.site_id == site_id)).all()) >= GOALS_MAX:
                    raise RegistryError(f"the site has {GOALS_MAX} goals already: remove one first")
                name = None if display_name is None else display_name.strip()
                transaction.execute(
                    insert(GOALS).values(
                        site_id=site_id,
                        kind=kind,
                        target=target,
                        display_name=name,
                        created_ms=self._clock.now_ms(),
                    )
                )
                row = transaction.execute(select(GOALS).where(same)).one()
            return _goal(row)

    def all(self, site_id: int) -> list[Goal]:
        """
        List a site's goals, the oldest first.
        """
        with self._connection.read() as transaction:
            rows = transaction.execute(select(GOALS).where(GOALS.c.site_id == site_id).order_by(GOALS.c.id)).all()
            return [_goal(row) for row in rows]

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
            transaction.execute(delete(GOALS).where(same))
            return _goal(row)


def _checked_target(kind: str, event_name: str | None, page_path: str | None) -> str:
    if kind == "event":
        name = (event_name or "").strip()
        if not 0 < len(name) <= EVENT_NAME_CHARS_MAX:
            raise RegistryError(f"an event goal needs an event name of 1 to {EVENT_NAME_CHARS_MAX} characters")
        return name
    if kind == "page":
        path = (page_path or "").strip()
        if not path.startswith("/") or len(path) > PAGE_PATH_CHARS_MAX:
            raise RegistryError(
                f"a page goal needs a page path that begins with a slash, of up to {PAGE_PATH_CHARS_MAX} characters"
            )
        return path
    raise RegistryError(f"{kind!r} is not a kind of goal: use event or page")


def _goal(row: Row[Any]) -> Goal:
    is_event = row.kind == "event"
    return Goal(
        id=row.id,
        site_id=row.site_id,
        kind="event" if is_event else "page",
        event_name=row.target if is_event else None,
        page_path=None if is_event else row.target,
        display_name=row.display_name or (row.target if is_event else f"Visit {row.target}"),
        created_ms=row.created_ms,
    )
