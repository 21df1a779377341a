"""
What became of every request: counted by outcome, with its latency, by the second.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

UNSENT, ACCEPTED, DROPPED, REFUSED, UNKNOWN = range(5)
"""
Outcome of a number: never sent, answered as stored, answered as dropped, answered otherwise, or sent and not answered.
"""

PERCENTILES = (50, 95, 99)
_GROWTH = 1 << 16


@dataclass(slots=True)
class Tally:
    """
    Counts events, not requests: a batch counts all that is in it.
    """

    offered: int = 0
    """Requests that fell due, sent or not."""
    accepted: int = 0
    dropped: int = 0
    errors: dict[str, int] = field(default_factory=dict[str, int])
    """Requests without the hoped-for answer, by kind: `status 503`, `ConnectionResetError`, `no answer in 10 s`."""
    latencies_us: array[int] = field(default_factory=lambda: array("I"))
    """Of every answered request, from the moment it was due."""
    answered_s: array[int] = field(default_factory=lambda: array("I"))
    """Whole second of the run in which each was answered, in the same order."""
    offered_by_second: dict[int, int] = field(default_factory=dict[int, int])
    accepted_by_second: dict[int, int] = field(default_factory=dict[int, int])
    failed_by_second: dict[int, int] = field(default_factory=dict[int, int])
    outcomes: bytearray = field(default_factory=bytearray)
    """Outcome of each request by its number."""

    @property
    def failed(self) -> int:
        return sum(self.errors.values())

    def answered(self, number: int, outcome: int, second: int, latency_s: float, accepted: int, dropped: int) -> None:
        """
        Note an answer.
        """
        self.note(number, outcome)
        self.accepted += accepted
        self.dropped += dropped
        self.latencies_us.append(int(latency_s * 1e6))
        self.answered_s.append(second)
        self.accepted_by_second[second] = self.accepted_by_second.get(second, 0) + accepted

    def error(self, kind: str, second: int) -> None:
        """
        Note a request that did not get what it hoped for.
        """
        self.errors[kind] = self.errors.get(kind, 0) + 1
        self.failed_by_second[second] = self.failed_by_second.get(second, 0) + 1

    def note(self, number: int, outcome: int) -> None:
        """
        Note the outcome of a request by its number.
        """
        if number >= len(self.outcomes):
            self.outcomes.extend(bytes(number - len(self.outcomes) + _GROWTH))
        self.outcomes[number] = outcome

    def percentiles_ms(self) -> list[float]:
        """
        Give the `PERCENTILES` of all latencies in milliseconds; zeros when nothing was answered.
        """
        if not self.latencies_us:
            return [0.0] * len(PERCENTILES)
        return [round(float(found) / 1000, 3) for found in np.percentile(np.array(self.latencies_us), PERCENTILES)]

    def p99_by_second(self) -> dict[int, float]:
        """
        Give the 99th percentile of each second in milliseconds.
        """
        seconds, latencies = np.array(self.answered_s), np.array(self.latencies_us)
        return {
            int(second): round(float(np.percentile(latencies[seconds == second], 99)) / 1000, 3)
            for second in np.unique(seconds)
        }
