"""
The risk windows: counts per address for the present UTC day, in memory of bounded size, with one owner per machine.

Fed with packed observations, asked for `Evidence`. Nothing is written anywhere; with the day everything in it is
dropped, and ids of another day are not taken.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.risk.apart import apart, least, sums, united
from ingest.risk.bits import bit_of, estimate
from ingest.risk.evidence import Evidence, NetworkFacts
from ingest.risk.gaps import GAPS_MAX, count_gaps, gap_variation
from ingest.risk.networks import Networks
from ingest.risk.observation import (
    CONVERSION_KIND,
    ENGAGEMENT_KIND,
    PAGEVIEW_KIND,
    PURCHASE_KIND,
    RECORD,
    Mark,
)
from ingest.risk.repeats import count_repeats
from ingest.risk.rows import ADDRESSES_MAX, LARGE, SMALL, SMALL_MAX, Rows
from ingest.risk.site_day import SiteDay

DAY_MS = 86_400_000

RECORD_TYPE = np.dtype(
    [
        ("rid", "<u8", (2,)),
        ("network", "<u8"),
        ("at_ms", "<i8"),
        ("site", "<u4"),
        ("kind", "u1"),
        ("pad", "u1"),
        ("marks", "<u2"),
        ("page", "<u4"),
        ("agent", "<u4"),
        ("reading", "<u4"),
        ("engaged_ms", "<u4"),
    ]
)
"""The same bytes, as a column of numpy."""

assert RECORD_TYPE.itemsize == RECORD.size
SITES_MAX = 20_000

_MARKED = (
    ("looked", Mark.LOOKED), ("headers_impossible", Mark.HEADERS_IMPOSSIBLE), ("origin_wrong", Mark.ORIGIN_WRONG),
    ("declared_bot", Mark.DECLARED_BOT), ("library", Mark.LIBRARY), ("empty_agent", Mark.EMPTY_AGENT),
    ("ancient_agent", Mark.ANCIENT_AGENT), ("headless", Mark.HEADLESS), ("spam_referrer", Mark.SPAM_REFERRER),
)  # fmt: skip


class Seen(NamedTuple):
    """
    One hand-over. Of its addresses: their rows, networks, and one site each was seen on. Of its events: which address
    they are of, as a place in `numbers`, their site, first half of their risk id, and the hour of the day of all.
    """

    numbers: Sequence[int]
    networks: Sequence[int]
    site_ids: Sequence[int]
    of: NDArray[np.int64]
    sites: NDArray[np.uint32]
    rids: NDArray[np.uint64]
    hour: int


NOTHING = Seen((), (), (), np.zeros(0, "i8"), np.zeros(0, "u4"), np.zeros(0, "u8"), 0)


class Windows:
    """
    The windows of one machine.
    """

    def __init__(self, now_ms: int, addresses_max: int = ADDRESSES_MAX) -> None:
        self.since_ms = now_ms
        """Since when they are fed; a new owner knows nothing of what was before."""
        self._addresses_max = addresses_max
        self.day = now_ms // DAY_MS
        self.rows = Rows(addresses_max)
        self.networks = Networks()
        self.sites: dict[int, SiteDay] = {}

    def turn(self, now_ms: int) -> None:
        """
        Forget the day that is over. Call it once a second; a clock set back brings nothing back.
        """
        day = now_ms // DAY_MS
        if day == self.day:
            return
        self.day = day
        self.rows = Rows(self._addresses_max)
        self.networks = Networks()
        self.sites = {}

    def add(self, packed: bytes) -> Seen:
        """
        Count observations. Those of another day than the present one are left out.

        Returns:
            The addresses seen, each once.
        """
        seen = np.frombuffer(packed, dtype=RECORD_TYPE)
        today = seen["at_ms"] // DAY_MS == self.day
        if not today.all():
            seen = seen[today]
        if not len(seen):
            return NOTHING
        # A risk id is a keyed hash: half of it tells ids of one batch apart.
        firsts, of = apart(seen["rid"][:, 0])
        numbers = self.rows.take(seen["rid"][firsts])
        at_ms = (seen["at_ms"] - self.day * DAY_MS).astype(np.int64)
        self._count(seen, numbers, of, at_ms)
        return Seen(
            numbers.tolist(),
            seen["network"][firsts].tolist(),
            seen["site"][firsts].tolist(),
            of,
            seen["site"],
            seen["rid"][:, 0],
            int(at_ms[-1]) // 3_600_000,
        )

    def divide(self, seen: Seen) -> None:
        """
        Count the events of a hand-over by the class that their addresses have now. Call it after they were thought of.
        """
        if not len(seen.of):
            return
        classes = (self.rows.table["class"][np.array(seen.numbers)] & np.uint8(7))[seen.of]
        firsts, of = apart(seen.sites)
        if len(firsts) == 1:
            self.site(int(seen.sites[0])).count(seen.hour, classes, seen.rids)
            return
        for number, site_id in enumerate(seen.sites[firsts].tolist()):
            here = of == number
            self.site(site_id).count(seen.hour, classes[here], seen.rids[here])

    def forget(self, rid: bytes) -> bool:
        """
        Forget an address; a row of nobody's is left until the day is over.

        Returns:
            Whether anything was known of it.
        """
        number = self.rows.find(rid)
        if number < 0:
            return False
        self.rows.table[number] = np.zeros(1, dtype=self.rows.table.dtype)[0]
        self.rows.table["rid"][number] = np.frombuffer(os.urandom(16), dtype="<u8")
        return True

    def peek(self, site_id: int) -> SiteDay:
        """
        Give what is known of a site today, without making it.
        """
        return self.sites.get(site_id) or SiteDay()

    def read(self, rid: bytes, network: int, now_ms: int, facts: NetworkFacts) -> Evidence:
        """
        Tell everything known about an address.
        """
        number = self.rows.find(rid) if now_ms // DAY_MS == self.day else -1
        return self.evidence(number, network, now_ms, facts)

    def evidence(self, number: int, network: int, now_ms: int, facts: NetworkFacts) -> Evidence:
        """
        Tell everything known about the address of a row; -1 for one that was not seen.
        """
        watched = max(0, now_ms - max(self.since_ms, self.day * DAY_MS))
        of_day = now_ms - self.day * DAY_MS
        neighbours = self.networks.read(network, of_day)
        if number < 0:
            return Evidence(watched_ms=watched, neighbours=neighbours, network=facts)
        (
            first, last, hours, sites, pages, agents, engaged_s, gap_sum, gap_squares, gaps,
            in_minute, minute_before, in_ten, ten_before, in_hour, hour_before, *counters,
        ) = self.rows.read(number)  # fmt: skip
        minute, minute_now = last // 60_000, of_day // 60_000
        # In the order of the fields: by name it takes ten times as long.
        fields: tuple[Any, ...] = (
            *counters,
            _sliding(in_minute, minute_before, minute, minute_now, of_day % 60_000 / 60_000),
            _sliding(in_ten, ten_before, minute // 10, minute_now // 10, of_day % 600_000 / 600_000),
            _sliding(in_hour, hour_before, minute // 60, minute_now // 60, of_day % 3_600_000 / 3_600_000),
            int(engaged_s * 1000),
            gaps,
            gap_variation(gaps, gap_sum, gap_squares),
            estimate(sites),
            estimate(pages),
            estimate(agents),
            hours,
            self.day * DAY_MS + first,
            self.day * DAY_MS + last,
            watched,
            neighbours,
            facts,
        )
        return Evidence(*fields)

    def site(self, site_id: int) -> SiteDay:
        """
        Give what is known of a site today, making it when it is new.
        """
        known = self.sites.get(site_id)
        if known is None:
            known = SiteDay()
            if len(self.sites) < SITES_MAX:
                self.sites[site_id] = known
        return known

    def _count(
        self, seen: NDArray[np.void], numbers: NDArray[np.int64], of: NDArray[np.int64], at_ms: NDArray[np.int64]
    ) -> None:
        kind, marks = seen["kind"], seen["marks"]
        by_hand = (marks & (Mark.PIXEL | Mark.BATCH)) == 0
        view, reading = kind == PAGEVIEW_KIND, kind == ENGAGEMENT_KIND
        rows = self.rows.table[numbers]
        new = rows["total"] == 0
        firsts, of_site = apart(seen["site"])
        known_sites = [self.site(site) for site in seen["site"][firsts].tolist()]
        owing = view & by_hand & np.array([site.engages for site in known_sites])[of_site]
        counts, views = np.bincount(of, minlength=len(rows)), sums(of, view, len(rows))

        _shift_windows(rows, at_ms, of, counts)
        if new.any():
            rows["first_ms"] = np.where(new, least(at_ms, of, DAY_MS, len(rows)), rows["first_ms"])
        for name, bits in (
            ("hours", np.uint64(1) << (at_ms // 3_600_000).astype(np.uint64)),
            ("sites", bit_of(seen["site"].astype(np.uint64))),
            ("pages", bit_of(seen["page"].astype(np.uint64))),
            ("agents", bit_of(seen["agent"].astype(np.uint64))),
        ):
            rows[name] |= united(bits, of, len(rows)).astype(rows[name].dtype)
        small = self._conversions(seen, rows, of, np.array([site.viewed for site in known_sites])[of_site] & by_hand)
        count_gaps(rows, of, at_ms, view & ((marks & Mark.BATCH) == 0))
        rows["views"] += views.astype("u4")
        rows["owed_views"] += sums(of, owing, len(rows)).astype("u4")
        rows["total"] += counts.astype("u4")
        first_reading = rows["readings"] == 0
        if reading.any():
            rows["engaged_s"] += np.bincount(of, weights=seen["engaged_ms"] / 1000, minlength=len(rows))
            small.append(("repeats", count_repeats(rows, of, seen["reading"], reading & (seen["engaged_ms"] >= 100))))
            rows["readings"] += sums(of, reading, len(rows)).astype("u4")
        all_marks = int(np.bitwise_or.reduce(marks))
        small += [(name, (marks & mark) != 0) for name, mark in _MARKED if all_marks & mark]
        for name, which in small:
            rows[name] = np.minimum(rows[name] + sums(of, which, len(rows)), SMALL_MAX)
        self.rows.table[numbers] = rows

        self.networks.add(seen["network"], seen["rid"][:, 0], seen["agent"], owing, reading & by_hand, int(at_ms[-1]))
        for site, count in zip(known_sites, np.bincount(of_site[view], minlength=len(firsts)).tolist(), strict=True):
            site.views += count
        began = reading & first_reading[of]
        if began.any():
            for number, site in enumerate(known_sites):
                site.readers += len(np.unique(of[began & (of_site == number)]))

    @staticmethod
    def _conversions(
        seen: NDArray[np.void], rows: NDArray[np.void], of: NDArray[np.int64], viewed: NDArray[np.bool_]
    ) -> list[tuple[str, NDArray[np.bool_]]]:
        """
        Tell which events are conversions, and which of them are of an address that has seen no page.

        Args:
            rows: before the pageviews among the events are counted.
            viewed: which events are a browser's, on a site that counts pageviews.
        """
        kind = seen["kind"]
        purchase = kind == PURCHASE_KIND
        converting = purchase | (kind == CONVERSION_KIND)
        if not converting.any():
            return []
        had_views = (rows["views"] + sums(of, kind == PAGEVIEW_KIND, len(rows))) > 0
        orphan = converting & viewed & ~had_views[of]
        return [("conversions", converting), ("purchases", purchase), ("orphans", orphan)]


assert GAPS_MAX < SMALL_MAX
assert Evidence.__struct_fields__[: len(LARGE) + len(SMALL)] == (*LARGE, *SMALL)


def _shift_windows(
    rows: NDArray[np.void], at_ms: NDArray[np.int64], of: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    """
    Move each row's windows on to its latest event, and count the new ones in.
    """
    latest = np.zeros(len(rows), dtype=np.int64)
    np.maximum.at(latest, of, at_ms)
    latest = np.maximum(latest, rows["last_ms"])
    for name, length_ms in (("minute", 60_000), ("ten", 600_000), ("hour", 3_600_000)):
        behind = latest // length_ms - rows["last_ms"].astype(np.int64) // length_ms
        if not behind.any():
            rows[name] = np.minimum(rows[name] + counts, 65_535)
            continue
        before = np.where(behind == 0, rows[name + "_before"], np.where(behind == 1, rows[name], 0))
        rows[name + "_before"] = before
        rows[name] = np.minimum(np.where(behind == 0, rows[name], 0) + counts, 65_535)
    rows["last_ms"] = latest


def _sliding(current: int, before: int, slot: int, slot_now: int, part: float) -> int:
    """
    Count over the last whole length of a window: the present slot, and the part of the one before still inside.
    """
    if slot == slot_now:
        return current + round(before * (1 - part))
    return round(current * (1 - part)) if slot + 1 == slot_now else 0


def day_end(now_ms: int) -> str:
    """
    Write the end of the present UTC day, when everything here is gone, as ISO 8601.
    """
    return _end_of(now_ms // DAY_MS)


@lru_cache(2)
def _end_of(day: int) -> str:
    return datetime.fromtimestamp((day + 1) * DAY_MS / 1000, UTC).isoformat().replace("+00:00", "Z")
