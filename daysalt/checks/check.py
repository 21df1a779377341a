"""
One finding of `daysalt doctor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """
    What was looked at and found. `note` is worth knowing and no fault; `unwell` says in `finding` what to do.
    """

    name: str
    state: Literal["well", "note", "unwell"]
    finding: str
