"""
What a drain tells of its work.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class DrainCounters:
    """
    What the drain did since it started.
    """

    events: int = 0
    batches: int = 0
    quarantined: int = 0
