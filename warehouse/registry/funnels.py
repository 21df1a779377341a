"""
Funnels: goals of a site in the order in which people are hoped to reach them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import FUNNEL_STEPS, FUNNELS, GOALS
from warehouse.registry.segments import checked_name

STEPS_MIN, STEPS_MAX = 2, 8
FUNNELS_MAX = 100
"""Per site."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """
    One funnel. `goal_ids` in the order of its steps.
    """

    id: int
    site_id: int
    name: str
    goal_ids: tuple[int, ...]


class Funnels:
    """
    The funnels of every site.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, site_id: int, name: str, goal_ids: Sequence[int]) -> Funnel:
        """
        Add a funnel.

        Raises:
            RegistryError: no name, one that is taken, or goals that are too few, too many, twice or not the site's.
        """
        name = checked_name("funnel", name)
        if not STEPS_MIN <= len(goal_ids) <= STEPS_MAX:
            raise RegistryError(f"a funnel has {STEPS_MIN} to {STEPS_MAX} goals: {len(goal_ids)} were given")
        if len(set(goal_ids)) != len(goal_ids):
            raise RegistryError("a funnel has each goal once: choose another goal for one of its steps")
        with self._connection.change() as transaction:
            known = set(transaction.scalars(select(GOALS.c.id).where(GOALS.c.site_id == site_id)))
            if not known.issuperset(goal_ids):
                raise RegistryError("the site has no such goal: choose from its goals")
            names = list(transaction.scalars(select(FUNNELS.c.name).where(FUNNELS.c.site_id == site_id)))
            if name in names:
                raise RegistryError(f"the site has a funnel called {name!r} already: give it another name")
            if len(names) >= FUNNELS_MAX:
                raise RegistryError(f"the site has {FUNNELS_MAX} funnels already: remove one first")
            values = {"site_id": site_id, "name": name, "created_ms": self._clock.now_ms()}
            number = transaction.execute(insert(FUNNELS).values(values).returning(FUNNELS.c.id)).scalar_one()
            rows = [
                {"funnel_id": number, "position": position, "goal_id": goal_id}
                for position, goal_id in enumerate(goal_ids)
            ]
            transaction.execute(insert(FUNNEL_STEPS), rows)
        return Funnel(number, site_id, name, tuple(goal_ids))

    def all(self, site_id: int) -> list[Funnel]:
        """
        List a site's funnels by name. A goal that was removed is no longer a step.
        """
        query = (
            select(FUNNELS.c.id, FUNNELS.c.name, FUNNEL_STEPS.c.goal_id)
            .outerjoin_from(FUNNELS, FUNNEL_STEPS)
            .where(FUNNELS.c.site_id == site_id)
            .order_by(FUNNELS.c.name, FUNNEL_STEPS.c.position)
        )
        found: dict[int, Funnel] = {}
        with self._connection.read() as transaction:
            for number, name, goal_id in transaction.execute(query):
                before = found.get(number, Funnel(number, site_id, name, ()))
                steps = before.goal_ids if goal_id is None else (*before.goal_ids, goal_id)
                found[number] = Funnel(number, site_id, name, steps)
        return list(found.values())

    def remove(self, site_id: int, funnel_id: int) -> None:
        """
        Remove a funnel; its goals stay.

        Raises:
            RegistryError: the site has no such funnel.
        """
        same = (FUNNELS.c.site_id == site_id) & (FUNNELS.c.id == funnel_id)
        with self._connection.change() as transaction:
            if transaction.execute(select(FUNNELS.c.id).where(same)).first() is None:
                raise RegistryError(f"the site has no funnel with the number {funnel_id}")
            transaction.execute(delete(FUNNEL_STEPS).where(FUNNEL_STEPS.c.funnel_id == funnel_id))
            transaction.execute(delete(FUNNELS).where(same))
