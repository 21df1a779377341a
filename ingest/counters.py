"""
What one collector counts for its operator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.personal import Kind


@dataclass(slots=True)
class Counters:
    """
    What this collector did since it started; no site, no address, no path.
    """

    accepted: int = 0
    beacon_bytes: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    scrubbed: dict[str, int] = field(default_factory=dict[str, int])
    """By kind, what was replaced in events that are kept."""

    def scrub(self, kinds: Iterable[Kind]) -> None:
        """
        Count what was replaced in one event.
        """
        for kind in kinds:
            self.scrubbed[kind.value] = self.scrubbed.get(kind.value, 0) + 1
