"""
What became of a load test: the tallies of its senders put together with what the server stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtests.tally import ACCEPTED, PERCENTILES, UNKNOWN

Numbers = NDArray[np.int64]


@dataclass(slots=True)
class Sent:
    """
    The tallies of all senders.
    """

    offered: int = 0
    accepted: int = 0
    dropped: int = 0
    errors: dict[str, int] = field(default_factory=dict[str, int])
    offered_by_second: dict[int, int] = field(default_factory=dict[int, int])
    accepted_by_second: dict[int, int] = field(default_factory=dict[int, int])
    failed_by_second: dict[int, int] = field(default_factory=dict[int, int])
    p99_by_second: dict[int, float] = field(default_factory=dict[int, float])
    percentiles_ms: list[float] = field(default_factory=lambda: [0.0] * len(PERCENTILES))
    outcomes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    """Outcome of every request by its number."""


def put_together(paths: Iterable[Path]) -> Sent:
    """
    Read the tallies that senders left.
    """
    sent = Sent()
    latencies: list[Numbers] = []
    seconds: list[Numbers] = []
    for path in paths:
        with np.load(path) as kept:
            counts: dict[str, Any] = json.loads(kept["counts"].tobytes())
            latencies.append(kept["latencies_us"].astype(np.int64))
            seconds.append(kept["answered_s"].astype(np.int64))
            outcomes = kept["outcomes"]
        if len(outcomes) > len(sent.outcomes):
            sent.outcomes = np.pad(sent.outcomes, (0, len(outcomes) - len(sent.outcomes)))
        sent.outcomes[: len(outcomes)] |= outcomes  # shares never overlap, so or is the union
        sent.offered += counts["offered"]
        sent.accepted += counts["accepted"]
        sent.dropped += counts["dropped"]
        _add(sent.errors, counts["errors"])
        for name in ("offered_by_second", "accepted_by_second", "failed_by_second"):
            _add(getattr(sent, name), {int(second): count for second, count in counts[name].items()})
    if latencies:
        _latencies(sent, np.concatenate(latencies), np.concatenate(seconds))
    return sent


def _latencies(sent: Sent, latencies: Numbers, seconds: Numbers) -> None:
    if not len(latencies):
        return
    sent.percentiles_ms = [round(float(found) / 1000, 2) for found in np.percentile(latencies, PERCENTILES)]
    for second in np.unique(seconds).tolist():
        sent.p99_by_second[second] = round(float(np.percentile(latencies[seconds == second], 99)) / 1000, 2)


def _add(totals: dict[Any, int], more: dict[Any, int]) -> None:
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count


@dataclass(frozen=True, slots=True)
class Stored:
    """
    What the server has, against what it accepted.
    """

    stored: int
    lost: int
    """Accepted and not stored."""
    duplicated: int
    """Stored more often than once."""
    unanswered: int
    """Stored though the sender had no answer: allowed, as nothing was promised."""
    uninvited: int
    """Stored though the answer said otherwise, or never sent."""
    exact: bool
    """True when compared event by event; False when by counts of pages, where opposite faults may cancel out."""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.duplicated or self.uninvited)


def compare_events(outcomes: NDArray[np.uint8], events_in_request: int, numbers: Numbers, counts: Numbers) -> Stored:
    """
    Compare event by event.

    Args:
        outcomes: of every request by its number.
        numbers: numbers of the stored events, each once; `counts`: how often each is stored.
    """
    by_event = np.repeat(outcomes, events_in_request)
    times = np.zeros(max(len(by_event), int(numbers.max(initial=-1)) + 1), np.int64)
    times[numbers] = counts
    by_event = np.pad(by_event, (0, len(times) - len(by_event)))
    accepted, unknown = by_event == ACCEPTED, by_event == UNKNOWN
    return Stored(
        stored=int(counts.sum()),
        lost=int((accepted & (times == 0)).sum()),
        duplicated=int(np.maximum(times - 1, 0).sum()),
        unanswered=int((unknown & (times > 0)).sum()),
        uninvited=int((~accepted & ~unknown & (times > 0)).sum()),
        exact=True,
    )


def compare_pages(accepted: dict[str, int], unanswered: dict[str, int], stored: dict[str, int]) -> Stored:
    """
    Compare page by page, for a server whose store is out of reach.
    """
    lost = duplicated = unheard = uninvited = 0
    for page in accepted.keys() | stored.keys() | unanswered.keys():
        more = stored.get(page, 0) - accepted.get(page, 0)
        allowed = unanswered.get(page, 0)
        lost += max(0, -more)
        unheard += min(max(0, more), allowed)
        if page in accepted or page in unanswered:
            duplicated += max(0, more - allowed)
        else:
            uninvited += more
    return Stored(sum(stored.values()), lost, duplicated, unheard, uninvited, exact=False)
