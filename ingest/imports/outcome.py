"""
What became of an imported file, for whoever asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from ingest.imports.intake import Rejections
from ingest.imports.settling import NO_VISIT
from ingest.imports.staging import Plan
from warehouse.imports import id_text

_DAY_0 = date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Outcome:
    """
    What became of a file.
    """

    id: str = ""
    """Empty when there was nothing to store."""
    imported: int = 0
    repeated: int = 0
    """Events that an earlier import had already."""
    rejections: Rejections = field(default_factory=Rejections)
    first_day: date | None = None
    last_day: date | None = None

    def facts(self) -> dict[str, object]:
        """
        Give the answer for a program.
        """
        answer: dict[str, object] = {
            "imported": self.imported,
            "rejected": [{"line": line, "error": error} for line, error in sorted(self.rejections.lines)],
            "repeated": self.repeated,
            "id": self.id or None,
        }
        if self.rejections.count > len(self.rejections.lines):
            answer["rejected_count"] = self.rejections.count
        return answer


def finish_outcome(outcome: Outcome, plan: Plan, events: int, without_visit: Sequence[int]) -> None:
    """
    Put what the store said to what the reading said.
    """
    outcome.id = id_text(plan.number) if events else ""
    outcome.imported = events
    for line in without_visit:
        outcome.rejections.add(line, NO_VISIT)
    days = list(plan.days)
    outcome.first_day, outcome.last_day = (date.fromordinal(_DAY_0 + day) for day in (min(days), max(days)))
