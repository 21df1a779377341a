"""
Segments: filters of a site under a name, to look through again and to share.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import SEGMENTS, SHARED_LINKS

NAME_CHARS_MAX = 200
FILTERS_CHARS_MAX = 20_000
SEGMENTS_MAX = 500
"""Per site."""


@dataclass(frozen=True, slots=True)
class Segment:
    """
    One segment. `filters` are trees as in `POST /api/v2/query`, checked by whoever saved it.
    """

    id: int
    site_id: int
    name: str
    filters: list[Any]
    created_ms: int


class Segments:
    """
    The segments of every site.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, site_id: int, name: str, filters: list[Any]) -> Segment:
        """
        Save filters under a name.

        Raises:
            RegistryError: no name, one that is taken, no filters, or too many of them.
        """
        name = checked_name("segment", name)
        text = json.dumps(filters, ensure_ascii=False)
        if not filters or len(text) > FILTERS_CHARS_MAX:
            raise RegistryError(f"a segment needs filters, of at most {FILTERS_CHARS_MAX} characters together")
        with self._connection.change() as transaction:
            names = list(transaction.scalars(select(SEGMENTS.c.name).where(SEGMENTS.c.site_id == site_id)))
            if name in names:
                raise RegistryError(f"the site has a segment called {name!r} already: give it another name")
            if len(names) >= SEGMENTS_MAX:
                raise RegistryError(f"the site has {SEGMENTS_MAX} segments already: remove one first")
            values = {"site_id": site_id, "name": name, "filters": text, "created_ms": self._clock.now_ms()}
            return _segment(transaction.execute(insert(SEGMENTS).values(values).returning(SEGMENTS)).one())

    def all(self, site_id: int) -> list[Segment]:
        """
        List a site's segments by name.
        """
        query = select(SEGMENTS).where(SEGMENTS.c.site_id == site_id).order_by(SEGMENTS.c.name)
        with self._connection.read() as transaction:
            return [_segment(row) for row in transaction.execute(query)]

    def find(self, site_id: int, segment_id: int) -> Segment | None:
        """
        Find a segment of a site by its number.
        """
        same = (SEGMENTS.c.site_id == site_id) & (SEGMENTS.c.id == segment_id)
        with self._connection.read() as transaction:
            row = transaction.execute(select(SEGMENTS).where(same)).one_or_none()
        return None if row is None else _segment(row)

    def remove(self, site_id: int, segment_id: int) -> None:
        """
        Remove a segment.

        Raises:
            RegistryError: the site has no such segment, or a shared link is limited to it.
        """
        with self._connection.change() as transaction:
            held = select(func.count()).select_from(SHARED_LINKS).where(SHARED_LINKS.c.segment_id == segment_id)
            if transaction.execute(held).scalar_one():
                # Without its segment the link would show everything to whoever has it.
                raise RegistryError("a shared link is limited to this segment: remove the link first")
            same = (SEGMENTS.c.site_id == site_id) & (SEGMENTS.c.id == segment_id)
            if not transaction.execute(delete(SEGMENTS).where(same)).rowcount:
                raise RegistryError(f"the site has no segment with the number {segment_id}")


def checked_name(what: str, name: object) -> str:
    """
    Check a name that people give to something of a site.
    """
    if not isinstance(name, str) or not 0 < len(name.strip()) <= NAME_CHARS_MAX or not name.strip().isprintable():
        raise RegistryError(f"a {what} needs a name of 1 to {NAME_CHARS_MAX} characters")
    return name.strip()


def _segment(row: Row[Any]) -> Segment:
    return Segment(row.id, row.site_id, row.name, json.loads(row.filters), row.created_ms)
