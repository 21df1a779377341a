"""
Between hops 6 and 7: at most 50,000 names of a kind (paths, referrers, values of one property, ...) per site and day;
what comes after them is called `(overflow)`. Rows stay rows, so totals stay exact.

Names are given where rows are written, and nowhere else: rollups, questions, sealing and export then agree by
themselves, and nobody can fill the store with names. First come, first named. What a day has named already is read
from the store when a day grows large, so a restart, a replay and an import go on where the others stopped. Call it
only while nobody else writes.
"""

# ruff: noqa: S608 - texts put in are names of columns of ours; every value is a parameter.

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.event import ENGAGEMENT, PAGEVIEW
from ingest.visits import Sessionized
from warehouse.client import Warehouse
from warehouse.native import Column, Maps, Numbers, Tuples, Words

NAMES_MAX = 50_000
"""Names of a kind per site and day (contract, "Big cells")."""
KEYS_MAX = 1_000
"""Properties of a site and day whose values are told apart; all values of further ones overflow."""
HELD_MAX = 3_000_000
"""Names of large days held at once, some 200 MB; a day that was let go is read again when it comes."""
COUNTS_MAX = 200_000
"""Sites and days whose number of rows is remembered, some 20 MB."""
OVERFLOW = "(overflow)"

COLUMNS = (
    *("name", "hostname", "pathname", "referrer", "source", "channel"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
    *("region", "browser", "browser_version", "os", "os_version", "device"),
)
"""The columns with names that visitors or importers choose."""
_NEVER = frozenset({"", OVERFLOW, PAGEVIEW, ENGAGEMENT})
_DAY_0 = date(1970, 1, 1)
SiteDay = tuple[int, int]
"""A site, and days since 1970-01-01."""


@dataclass(slots=True)
class _Names:
    """
    What one large day has named so far: hashes by kind, a property by `props KEY`.
    """

    known: dict[str, set[bytes]] = field(default_factory=dict[str, set[bytes]])
    keys: int = 0

    def held(self) -> int:
        return sum(map(len, self.known.values()))

    def named(self, kind: str, text: str) -> str:
        """
        Give a text its name: itself while there is room, or once it was named.
        """
        if text in _NEVER:
            return text
        names = self.known.get(kind)
        if names is None:
            if kind.startswith("props "):
                if self.keys >= KEYS_MAX:
                    return OVERFLOW
                self.keys += 1
            names = self.known[kind] = set()
        hashed = hashlib.blake2b(text.encode(), digest_size=8).digest()
        if hashed in names:
            return text
        if len(names) >= NAMES_MAX:
            return OVERFLOW
        names.add(hashed)
        return text


class BigCells:
    """
    The names of large days, for one writer of a store.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._rows: dict[SiteDay, int] = {}
        self._large: OrderedDict[SiteDay, _Names] = OrderedDict()

    def capped(self, rows: Sessionized) -> Sessionized:
        """
        Rename what is one too many in a batch. The same batch gives the same names again.

        Raises:
            WarehouseUnavailable, WarehouseRefused: nothing was changed; call it again.
        """
        if not rows.event_count:
            return rows
        here = _SiteDays(rows.events)
        large = {pair: self._names(pair) for pair in self._grown(here)}
        if not large:
            return rows
        events = _renamed(rows.events, here, large, COLUMNS)
        events["props"] = _renamed_props(rows.events["props"], here, large)
        visits = dict(rows.visits)
        if rows.visit_count:
            of_visits = _SiteDays(rows.visits)
            visits = _renamed(rows.visits, of_visits, large, COLUMNS)
            for edge in ("entry", "exit"):
                visits[edge] = _renamed_edge(visits[edge], of_visits, large)
        self._let_go(keep=set(large))
        return replace(rows, events=events, visits=visits)

    @property
    def held(self) -> int:
        """
        How many names are held in memory.
        """
        return sum(names.held() for names in self._large.values())

    def forget(self) -> None:
        """
        Forget what was read: somebody else has written.
        """
        self._rows.clear()
        self._large.clear()

    def _grown(self, here: _SiteDays) -> list[SiteDay]:
        if len(self._rows) > COUNTS_MAX:
            self._rows.clear()
        new = [pair for pair in here.counts if pair not in self._rows]
        if new:
            self._rows.update(dict.fromkeys(new, 0))
            found = self._warehouse.query(
                "SELECT site_id, toUInt16(day) AS on_day, count() FROM events WHERE site_id IN {sites:Array(UInt32)}"
                " AND day IN {days:Array(Date)} GROUP BY site_id, on_day",
                {"sites": sorted({site for site, _ in new}), "days": [_date(day) for day in {day for _, day in new}]},
            )
            self._rows.update({(site, day): int(count) for site, day, count in found if (site, day) in set(new)})
        for pair, count in here.counts.items():
            # A batch that is tried again counts twice: then a day is merely looked at closely too early.
            self._rows[pair] += count
        return [pair for pair in here.counts if self._rows[pair] > NAMES_MAX]

    def _names(self, pair: SiteDay) -> _Names:
        names = self._large.get(pair)
        if names is None:
            names = self._large[pair] = self._read(pair)
        self._large.move_to_end(pair)
        return names

    def _read(self, pair: SiteDay) -> _Names:
        names = _Names()
        bounds = "FROM events WHERE site_id = {site:UInt32} AND day = {day:Date}"
        given = {"site": pair[0], "day": _date(pair[1]), "most": NAMES_MAX, "keys": KEYS_MAX}
        for column in COLUMNS:
            found = self._warehouse.query(
                f"SELECT DISTINCT CAST({column}, 'String') AS text {bounds} LIMIT {{most:UInt32}} + 5", given
            )
            for (text,) in found:
                names.named(column, text)
        found = self._warehouse.query(
            f"SELECT key, groupUniqArray({NAMES_MAX})(value) FROM (SELECT mapKeys(props) AS keys, mapValues(props) AS"
            f" texts {bounds} AND notEmpty(props)) ARRAY JOIN keys AS key, texts AS value WHERE value != '{OVERFLOW}'"
            " GROUP BY key LIMIT {keys:UInt32}",
            given,
        )
        for key, texts in found:
            for text in texts:
                names.named(f"props {key}", text)
        return names

    def _let_go(self, keep: set[SiteDay]) -> None:
        held = self.held
        for pair in list(self._large):
            if held <= HELD_MAX:
                return
            if pair not in keep:
                held -= self._large.pop(pair).held()


class _SiteDays:
    """
    Which site and day each row of some columns is of.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        sites, days = columns["site_id"], columns["day"]
        assert isinstance(sites, Numbers) and isinstance(days, Numbers)
        self.keys: NDArray[np.uint64] = sites.values.astype(np.uint64) << np.uint64(16) | days.values.astype(np.uint64)
        found, counts = np.unique(self.keys, return_counts=True)
        self.counts: dict[SiteDay, int] = {
            (key >> 16, key & 0xFFFF): count for key, count in zip(found.tolist(), counts.tolist(), strict=True)
        }

    def rows_of(self, pair: SiteDay) -> NDArray[np.int64]:
        return np.flatnonzero(self.keys == np.uint64(pair[0] << 16 | pair[1]))


def _renamed(
    columns: Mapping[str, Column], here: _SiteDays, large: Mapping[SiteDay, _Names], kinds: Sequence[str]
) -> dict[str, Column]:
    changed = dict(columns)
    for kind in kinds:
        column = columns.get(kind)
        if isinstance(column, Words):
            changed[kind] = _renamed_words(column, kind, here, large)
    return changed


def _renamed_words(column: Words, kind: str, here: _SiteDays, large: Mapping[SiteDay, _Names]) -> Words:
    codes, extra = column.codes, len(column.words)
    for pair, names in large.items():
        places = here.rows_of(pair)
        used, back = np.unique(column.codes[places], return_inverse=True)
        over = np.array([names.named(kind, column.words[code]) == OVERFLOW for code in map(int, used)], bool)
        if over.any():
            codes = codes.copy() if codes is column.codes else codes
            codes[places[over[back]]] = extra
    if codes is column.codes:
        return column
    # What is not used any more must not be written: the engine would keep it in its dictionary.
    kept, back = np.unique(codes, return_inverse=True)
    words = [OVERFLOW if code == extra else column.words[code] for code in kept.tolist()]
    return replace(column, codes=back.astype(np.uint32), words=words)


def _renamed_edge(column: Column, here: _SiteDays, large: Mapping[SiteDay, _Names]) -> Tuples:
    assert isinstance(column, Tuples)
    place, hostnames, pathnames = column.elements
    assert isinstance(hostnames, Words) and isinstance(pathnames, Words)
    hostnames = _renamed_words(hostnames, "hostname", here, large)
    return Tuples((place, hostnames, _renamed_words(pathnames, "pathname", here, large)))


def _renamed_props(column: Column, here: _SiteDays, large: Mapping[SiteDay, _Names]) -> Maps:
    assert isinstance(column, Maps)
    filled = dict(column.filled)
    named: Callable[[str, str], str]
    for pair, names in large.items():
        named = names.named
        for row in here.rows_of(pair).tolist():
            if row in filled:
                given: Mapping[str, str] = filled[row]
                filled[row] = {key: named(f"props {key}", value) for key, value in given.items()}
    return replace(column, filled=filled)


def _date(day: int) -> date:
    return _DAY_0 + timedelta(days=day)
