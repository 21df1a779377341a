"""
The records of a batch in the order things happened, frame by frame, without those of sites that are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from ingest.event import Record, sort_by_time
from ingest.spool.reader import Range, SpoolReader, writer_of

Settle = Callable[[list[Record]], list[Record]]
Before = Callable[[list[Record]], None]
_site_id = attrgetter("site_id")


def in_order(
    reader: SpoolReader,
    site_exists: Callable[[int], bool],
    ranges: Sequence[Range],
    settle: Settle,
    before: Before = lambda _: None,
) -> Iterator[list[Record]]:
    """
    Read ranges by frames in the order things happened. What the ranges are decides how: a replay reads them alike.

    Args:
        settle: given the records of each frame, puts a drop in the place of those that are repeats.
        before: told the records of each frame, in order, before the first of them is given.
    """
    frames = (frame for piece in ranges for frame in reader.frames(piece))
    if len({writer_of(piece.segment) for piece in ranges}) > 1:
        # Collectors write side by side: their events are put in order. Of one collector they come in order, and
        # no more than a frame is held.
        frames = iter([[record for frame in frames for record in frame]])
    known: dict[int, bool] = {}
    for frame in frames:
        records = settle(frame)
        sort_by_time(records)
        before(records)
        sites = set(map(_site_id, records))
        for site_id in sites.difference(known):
            known[site_id] = site_exists(site_id)
        # A site is seldom removed while its events are on the way.
        gone = [site_id for site_id in sites if not known[site_id]]
        yield [record for record in records if record.site_id not in gone] if gone else records
