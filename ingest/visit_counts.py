"""
Hop 6, the arithmetic: what the events of one batch say of their visits, counted for all visits at once in arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.columns import NO_VISIT_PLACE
from ingest.open_visits import PLACE_SECONDS_MAX, PLACE_SECONDS_ZERO, PLACE_SEQ_BITS, PLACE_SEQ_MAX

NO_CODE = 2**32 - 1
"""Of a name that no event of the batch has."""

_Int = np.int64
_FAR = np.iinfo(_Int).max


@dataclass(frozen=True, slots=True)
class Ends:
    """
    The first or the last page of each visit, in the order of their places; nothing of meaning where there is none.
    """

    places: NDArray[np.int64]
    """Within the visit, see `page_place`."""
    rows: NDArray[np.int64]
    """Row of the batch: of equal places the first for an entry, the last for an exit."""

    def pages(self, array: NDArray[np.void]) -> Iterator[tuple[int, int, int]]:
        """
        Give place, code of the hostname and code of the path.
        """
        hostnames, pathnames = array["hostname"][self.rows], array["pathname"][self.rows]
        return zip(self.places.tolist(), hostnames.tolist(), pathnames.tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class Counted:
    """
    A batch, counted by visit.

    Attributes: `rows`, `places` and `seqs` go together: row of the batch, its visit's place, its sequence number. The
    others are by visit, in the order of their places.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    seqs: NDArray[np.int64]
    records: NDArray[np.int64]
    events: NDArray[np.int64]
    """Without engagement."""
    pageviews: NDArray[np.int64]
    interactions: NDArray[np.int64]
    end: NDArray[np.int64]
    """Newest time but for engagement, epoch seconds UTC; 0 when there is none."""
    received_day: NDArray[np.int64]
    entry: Ends
    exit: Ends

    def by_visit(self) -> tuple[list[int], ...]:
        """
        Give records, events, pageviews, interactions, end and received day as plain lists.
        """
        columns = (self.records, self.events, self.pageviews, self.interactions, self.end, self.received_day)
        return tuple(column.tolist() for column in columns)


def count_events(
    array: NDArray[np.void],
    *,
    first_seqs: NDArray[np.int64],
    bases: NDArray[np.int64],
    engagement: int,
    pageview: int,
) -> Counted:
    """
    Count the rows of a batch, in the order they came, by visit.

    Args:
        array: rows as `EventRows.array` gives them; every visit has at least one.
        first_seqs, bases: by visit, the number its next event gets, and the time its pages are counted from.
        engagement, pageview: codes of these two names, `NO_CODE` where no row has them.
    """
    order = np.argsort(array["visit"], kind="stable")
    places = array["visit"][order].astype(_Int)
    inside = int(np.searchsorted(places, NO_VISIT_PLACE))
    order, places = order[:inside], places[:inside]
    visits = len(first_seqs)
    records = np.bincount(places, minlength=visits)
    starts = np.cumsum(records) - records
    seqs = np.arange(inside) - starts[places] + first_seqs[places]

    names, times = array["name"][order], array["ts"][order].astype(_Int)
    is_engagement, is_page = names == engagement, names == pageview
    is_interaction = (array["interactive"][order] != 0) & ~is_engagement & ~is_page
    seconds = np.clip(times - bases[places] + PLACE_SECONDS_ZERO, 0, PLACE_SECONDS_MAX)
    pages = seconds << PLACE_SEQ_BITS | np.minimum(seqs, PLACE_SEQ_MAX)

    def total(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.add.reduceat(mask, starts, dtype=_Int)

    entry = np.minimum.reduceat(np.where(is_page, pages, _FAR), starts)
    exit_ = np.maximum.reduceat(np.where(is_page, pages, -1), starts)
    return Counted(
        rows=order,
        places=places,
        seqs=seqs,
        records=records,
        events=total(~is_engagement),
        pageviews=total(is_page),
        interactions=total(is_interaction),
        end=np.maximum.reduceat(np.where(is_engagement, 0, times), starts),
        received_day=np.maximum.reduceat(array["received_day"][order].astype(_Int), starts),
        entry=Ends(entry, _row_of(order, places, is_page & (pages == entry[places]), visits, first=True)),
        exit=Ends(exit_, _row_of(order, places, is_page & (pages == exit_[places]), visits, first=False)),
    )


def _row_of(
    order: NDArray[np.int64], places: NDArray[np.int64], found: NDArray[np.bool_], visits: int, *, first: bool
) -> NDArray[np.int64]:
    at = np.flatnonzero(found)
    if first:
        at = at[::-1]
    rows = np.zeros(visits, _Int)
    rows[places[at]] = order[at]  # of several for one visit the last one stays
    return rows
