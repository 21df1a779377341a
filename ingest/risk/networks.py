"""
Neighbourhoods: what the addresses of one /24 or /48 did in the last ten minutes, for the networks that are busy now.

A table of fixed size; a network whose place is taken by a busier one is not followed.
"""

from __future__ import annotations

from struct import Struct

import numpy as np
from numpy.typing import NDArray

from ingest.risk.apart import apart, sums, united
from ingest.risk.bits import bit_of, estimate
from ingest.risk.evidence import Neighbourhood

PLACES = 1 << 18
"""14 MiB; a network needs more than a few events in ten minutes to hold its place."""
QUIET_EVENTS = 4

_ROW = np.dtype(
    [
        ("network", "<u8"),
        ("slice", "<u2"),  # ten minutes of the day, from 1; 0 is free
        ("since", "<u2"),  # minute of the day in which it came to be busy
        ("events", "<u4"),
        ("events_before", "<u4"),
        ("addresses", "<u8"),
        ("addresses_before", "<u8"),
        ("agents", "<u8"),
        ("agents_before", "<u8"),
        ("views", "<f4"),
        ("readings", "<f4"),
    ]
)

_READING = Struct("<QHHIIQQQQff")
assert _READING.size == _ROW.itemsize


class Networks:
    """
    The busy networks of one day.
    """

    def __init__(self) -> None:
        self._table: NDArray[np.void] = np.zeros(PLACES, dtype=_ROW)
        self._bytes = self._table.view(np.uint8).data

    def add(
        self,
        networks: NDArray[np.uint64],
        rids: NDArray[np.uint64],
        agents: NDArray[np.uint32],
        views: NDArray[np.bool_],
        readings: NDArray[np.bool_],
        at_ms: int,
    ) -> None:
        """
        Count events.

        Args:
            networks: network id of each event.
            rids: first half of the risk id of each.
            agents: checksum of the user agent of each.
            views: which are pageviews that a reading time should follow.
            at_ms: of the day.
        """
        now = at_ms // 600_000 + 1
        firsts, of = apart(networks)
        unique, counts = networks[firsts], np.bincount(of)
        places = (unique & np.uint64(PLACES - 1)).astype(np.int64)
        rows = self._table[places]
        # Most have had events in these ten minutes already: nothing to move, nobody to make room for.
        others = np.flatnonzero((rows["slice"] != now) | (rows["network"] != unique))
        followed = np.ones(len(rows), dtype=np.bool_)
        if len(others):
            rows[others], followed[others] = _moved(rows[others], unique[others], counts[others], at_ms)
        for name, which in (("views", views), ("readings", readings)):
            if which.any():
                rows[name] = rows[name] + sums(of, which, len(rows))
        rows["events"] += counts.astype(np.uint32)
        for name, things in (("addresses", rids), ("agents", agents.astype(np.uint64))):
            rows[name] |= united(bit_of(things), of, len(rows))
        if len(others):
            places, rows = places[followed], rows[followed]
        self._table[places] = rows

    def read(self, network: int, at_ms: int) -> Neighbourhood:
        """
        Tell what a network did; nothing when it is not followed.
        """
        # From the row's bytes: numpy takes three times as long for one row.
        held, slice_, since, events, before, addresses, addresses_before, agents, agents_before, views, readings = (
            _READING.unpack_from(self._bytes, (network & (PLACES - 1)) * _READING.size)
        )
        behind = at_ms // 600_000 + 1 - slice_
        if held != network or behind > 1:
            return NOBODY
        part = 1 - at_ms % 600_000 / 600_000
        if behind == 1:
            before, addresses_before, events, addresses, agents_before = events, addresses, 0, 0, 0
        return Neighbourhood(
            events_10m=events + int(before * part),
            addresses_10m=max(estimate(addresses), int(estimate(addresses_before) * part)),
            agents_10m=estimate(agents | agents_before),
            busy_ms=max(0, at_ms - since * 60_000),
            views=int(views),
            readings=int(readings),
        )


def _moved(
    rows: NDArray[np.void], networks: NDArray[np.uint64], counts: NDArray[np.int64], at_ms: int
) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """
    Move rows on to the present ten minutes; where another network has the place, see whether it must leave.

    Args:
        networks: that want the rows' places now.
        counts: how many events of each there are.

    Returns:
        The rows, and which of them are their network's now.
    """
    now = at_ms // 600_000 + 1
    quiet = (rows["slice"] + 1 < now) | ((rows["slice"] < now) & (rows["events"] < QUIET_EVENTS))
    mine = rows["network"] == networks
    taken = ~mine & ((rows["slice"] == 0) | quiet | (rows["events"] < np.minimum(counts, QUIET_EVENTS)))
    rows[taken] = np.zeros(1, dtype=_ROW)
    rows["network"][taken] = networks[taken]
    rows["slice"][taken] = now
    behind = now - rows["slice"].astype(np.int64)
    rows["since"] = np.where(taken | (behind > 1), at_ms // 60_000, rows["since"])
    for name in ("events", "addresses", "agents"):
        zero = np.zeros_like(rows[name])
        rows[name + "_before"] = np.where(behind == 0, rows[name + "_before"], np.where(behind == 1, rows[name], zero))
        rows[name] = np.where(behind == 0, rows[name], zero)
    fade = np.float32(0.5) ** np.maximum(behind, 0)
    rows["views"] *= fade
    rows["readings"] *= fade
    rows["slice"] = now
    return rows, mine | taken


NOBODY = Neighbourhood()
