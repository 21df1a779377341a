"""
Hop 6, before visits: an event that names itself counts once in 24 hours, also across restarts.

The drain is the one place that sees every event, so it is settled here. Held in memory are hashes and seconds, a
sorted array for each half hour; written are the same, in the batch that counts the event. What a batch finds depends on
earlier batches and its own records only, so a replay finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from ingest.event import DropCount, Event, Record
from ingest.event_id_hashes import CARRIED
from ingest.hit import DropReason
from warehouse.client import Warehouse

WINDOW_SECONDS = 24 * 3600
SLOT_SECONDS = 1800
"""Ids are forgotten by half hours, in memory and in the store."""
IDS_MAX = 20_000_000
"""Ids remembered, 12 bytes each; beyond it the oldest are forgotten, and a repeat of theirs counts again."""
FRESH_MAX = 50_000
"""Ids held in a dict before they are sorted into their slots."""

EventIdRow = tuple[int, int, int]
"""Site id, hash, epoch second received: a row of `event_ids` without its batch."""

_event_id = attrgetter("event_id")


class EventIds:
    """
    The event ids one drain has counted.
    """

    def __init__(self) -> None:
        self._fresh: dict[int, int] = {}
        self._slots: dict[int, tuple[NDArray[np.uint64], NDArray[np.uint32]]] = {}
        self.rows: list[EventIdRow] = []
        """What the batch since `begin` counted, to be written with it."""
        self._tidied = 0

    def __len__(self) -> int:
        return len(self._fresh) + sum(len(hashes) for hashes, _ in self._slots.values())

    def restore(self, warehouse: Warehouse, *, below_batch: int) -> None:
        """
        Take up what earlier batches counted, as after a restart.

        Args:
            below_batch: later batches are replayed.
        """
        for slot in _stored_slots(warehouse):
            rows = warehouse.query(
                "SELECT hash, toUnixTimestamp(max(received)) FROM event_ids"
                " WHERE _partition_id = {slot:String} AND batch < {below:UInt64} GROUP BY hash ORDER BY hash",
                {"slot": str(slot), "below": below_batch},
            )
            if rows:
                hashes, seconds = zip(*rows, strict=True)
                self._slots[slot] = np.array(hashes, np.uint64), np.array(seconds, np.uint32)

    def begin(self) -> None:
        """
        Begin a batch. What the last one counted is forgotten unless `keep` was called: it is in no table.
        """
        for _, hash_, _ in self.rows:
            self._fresh.pop(hash_, None)
        self.rows = []

    def keep(self) -> None:
        """
        Keep what the batch counted: its rows are in the store.
        """
        self.rows = []
        if len(self._fresh) > FRESH_MAX:
            self._sort_in()

    def tidy(self, warehouse: Warehouse, now: int) -> None:
        """
        Forget what is over, here and in the store. Cheap: it looks once in half an hour.

        Args:
            now: epoch seconds UTC; everything received before must have been settled.

        Raises:
            WarehouseUnavailable, WarehouseRefused: call again.
        """
        if now // SLOT_SECONDS == self._tidied:
            return
        drop_old_event_ids(warehouse, now)
        self.expire(now)
        self._tidied = now // SLOT_SECONDS

    def settle(self, records: list[Record]) -> list[Record]:
        """
        Tell first times from repeats; of equal ids here the one received first counts.

        Args:
            records: some of a batch; call this for all of them, in an order that a replay repeats.

        Returns:
            The records, with a drop in place of each repeat.
        """
        try:
            # Most frames hold no event that names itself, and none at all a drop count: this asks each of them fastest.
            if not any(map(_event_id, records)):
                return records
        except AttributeError:
            pass
        named = sorted(
            (CARRIED.unpack(record.event_id)[::-1], place)
            for place, record in enumerate(records)
            if isinstance(record, Event) and record.event_id
        )
        if not named:
            return records
        settled = list(records)
        known = self._find([hash_ for (_, *hashes), _ in named for hash_ in hashes])
        for (received, before, now), place in named:
            event = records[place]
            if max(known.get(now, 0), known.get(before, 0) if before else 0) > received - WINDOW_SECONDS:
                assert isinstance(event, Event)
                settled[place] = DropCount(event.site_id, event.ts // 3600 * 3600, DropReason.DUPLICATE.value, 1)
                continue
            known[now] = self._fresh[now] = received
            self.rows.append((event.site_id, now, received))
        return settled

    def expire(self, now: int) -> None:
        """
        Forget what is too old to matter.

        Args:
            now: epoch seconds UTC.
        """
        self._sort_in()
        self._slots = {slot: found for slot, found in self._slots.items() if not is_over(slot, now)}

    def _find(self, hashes: Sequence[int]) -> dict[int, int]:
        """
        Look hashes up; the newest second of each one known.
        """
        wanted = np.unique(np.array(hashes, np.uint64))
        found: dict[int, int] = {}
        for sorted_hashes, seconds in self._slots.values():
            places = np.searchsorted(sorted_hashes, wanted)
            places[places == len(sorted_hashes)] = 0
            hits = sorted_hashes[places] == wanted
            for hash_, second in zip(wanted[hits].tolist(), seconds[places[hits]].tolist(), strict=True):
                found[hash_] = max(second, found.get(hash_, 0))
        for hash_ in hashes:
            second = self._fresh.get(hash_)
            if second is not None:
                found[hash_] = max(second, found.get(hash_, 0))
        return found

    def _sort_in(self) -> None:
        fresh, self._fresh = self._fresh, {}
        by_slot: dict[int, list[tuple[int, int]]] = {}
        for hash_, second in fresh.items():
            by_slot.setdefault(second // SLOT_SECONDS, []).append((hash_, second))
        for slot, pairs in by_slot.items():
            hashes = np.array([hash_ for hash_, _ in pairs], np.uint64)
            seconds = np.array([second for _, second in pairs], np.uint32)
            if slot in self._slots:
                hashes = np.concatenate((self._slots[slot][0], hashes))
                seconds = np.concatenate((self._slots[slot][1], seconds))
            order = np.argsort(hashes, kind="stable")
            self._slots[slot] = (hashes[order], seconds[order])
        while len(self._slots) > 1 and len(self) > IDS_MAX:
            del self._slots[min(self._slots)]


def is_over(slot: int, now: int) -> bool:
    """
    Tell whether a slot (epoch half hours) is forgotten: a day after its end. What came in its first second is then
    24.5 hours old, and leaves the disk some minutes later: within the 25 hours of the contract, section 2.
    """
    return (slot + 1) * SLOT_SECONDS + WINDOW_SECONDS <= now


def insert_event_ids(warehouse: Warehouse, batch: int, rows: Sequence[EventIdRow], *, salvage: bool) -> None:
    """
    Write the ids a batch counted. Durable when this returns; writing them twice changes nothing.

    Args:
        salvage: the batch may have been written before; then the token is left out, for the store may remember a
            token and have lost the rows.
    """
    if not rows:
        return
    sites, hashes, received = zip(*rows, strict=True)
    columns = {"site_id": sites, "hash": hashes, "received": received, "batch": (batch,) * len(rows)}
    warehouse.insert("event_ids", columns, token=None if salvage else f"{batch}-event_ids")


def drop_old_event_ids(warehouse: Warehouse, now: int) -> int:
    """
    Delete the slots that are over.

    Args:
        now: epoch seconds UTC.

    Returns:
        How many went.
    """
    over = [slot for slot in _stored_slots(warehouse) if is_over(slot, now)]
    for slot in over:
        warehouse.command(f"ALTER TABLE event_ids DROP PARTITION {slot:d}")
    return len(over)


def _stored_slots(warehouse: Warehouse) -> list[int]:
    return sorted(int(row[0]) for row in warehouse.query("SELECT DISTINCT _partition_id FROM event_ids"))
