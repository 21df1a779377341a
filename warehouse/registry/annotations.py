"""
Annotations: notes by day that the people of a site write on its graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import ANNOTATIONS

NOTE_CHARS_MAX = 300
ANNOTATIONS_MAX = 5_000
"""Per site."""
SHOWN_MAX = 200
"""Of one period, the latest ones."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """
    One note.

    Attributes:
        day: the site's local day that it is about.
        public: also seen by those who see the dashboard without signing in.
    """

    id: int
    site_id: int
    day: date
    note: str
    public: bool
    created_ms: int


class Annotations:
    """
    The annotations of every site.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, site_id: int, day: str, note: str, *, public: bool = False) -> Annotation:
        """
        Write a note.

        Args:
            day: ISO, such as `2026-11-22`.

        Raises:
            RegistryError: no such day, no text or a long one, or too many notes.
        """
        values = {"site_id": site_id, **_checked(day, note), "public": public, "created_ms": self._clock.now_ms()}
        with self._connection.write() as transaction:
            count = select(func.count()).select_from(ANNOTATIONS).where(ANNOTATIONS.c.site_id == site_id)
            if transaction.execute(count).scalar_one() >= ANNOTATIONS_MAX:
                raise RegistryError(f"the site has {ANNOTATIONS_MAX} notes already: remove one first")
            statement = insert(ANNOTATIONS).values(values).returning(ANNOTATIONS)
            return _annotation(transaction.execute(statement).one())

    def change(self, site_id: int, annotation_id: int, day: str, note: str, *, public: bool) -> Annotation:
        """
        Write a note anew.

        Raises:
            RegistryError: as for `add`, or the site has no such note.
        """
        values = {**_checked(day, note), "public": public}
        with self._connection.write() as transaction:
            statement = update(ANNOTATIONS).where(_same(site_id, annotation_id)).values(values).returning(ANNOTATIONS)
            row = transaction.execute(statement).one_or_none()
            if row is None:
                raise RegistryError(f"the site has no note with the number {annotation_id}")
        return _annotation(row)

    def remove(self, site_id: int, annotation_id: int) -> None:
        """
        Remove a note.

        Raises:
            RegistryError: the site has no such note.
        """
        with self._connection.write() as transaction:
            if not transaction.execute(delete(ANNOTATIONS).where(_same(site_id, annotation_id))).rowcount:
                raise RegistryError(f"the site has no note with the number {annotation_id}")

    def between(self, site_id: int, first: date, last: date, *, only_public: bool) -> list[Annotation]:
        """
        List the notes of some days, both inside, oldest first; of more than `SHOWN_MAX` the latest ones.
        """
        table = ANNOTATIONS
        query = select(table).where(table.c.site_id == site_id)
        query = query.where(table.c.day >= first.isoformat(), table.c.day <= last.isoformat())
        if only_public:
            query = query.where(table.c.public)
        query = query.order_by(table.c.day.desc(), table.c.id.desc()).limit(SHOWN_MAX)
        with self._connection.read() as transaction:
            return [_annotation(row) for row in transaction.execute(query)][::-1]


def _same(site_id: int, annotation_id: int) -> Any:
    return (ANNOTATIONS.c.site_id == site_id) & (ANNOTATIONS.c.id == annotation_id)


def _checked(day: str, note: str) -> dict[str, str]:
    try:
        if len(day) != 10:
            raise ValueError
        day = date.fromisoformat(day).isoformat()
    except ValueError:
        raise RegistryError(f"{day[:20]!r} is not a day: give one such as 2027-01-31") from None
    note = " ".join(note.split())
    if not 0 < len(note) <= NOTE_CHARS_MAX or not note.isprintable():
        raise RegistryError(f"a note needs a text of 1 to {NOTE_CHARS_MAX} characters")
    return {"day": day, "note": note}


def _annotation(row: Row[Any]) -> Annotation:
    return Annotation(row.id, row.site_id, date.fromisoformat(row.day), row.note, bool(row.public), row.created_ms)
