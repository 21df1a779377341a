"""
Assessments already given, kept for explanations and feedback until their day is over: codes, points, score, site and
the day-bound risk id, and no address.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ingest.risk.assess import Assessment

ASSESSMENTS_MAX = 100_000
"""About 60 MiB when full; the oldest gives way."""
VERDICTS = ("right", "wrong")


@dataclass(frozen=True, slots=True)
class Kept:
    """
    One assessment.
    """

    rid: bytes
    site_id: int
    score: int
    class_: str
    confidence: str
    points: tuple[tuple[str, int], ...]
    """Code and points of every reason and counter-reason."""


class Assessments:
    """
    The assessments of today.
    """

    def __init__(self, kept_max: int = ASSESSMENTS_MAX) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._kept_max = kept_max
        self._judged: dict[str, str] = {}
        self.feedback: dict[tuple[str, str], int] = {}
        """Class and verdict -> how often."""

    def keep(self, assessment_id: str, rid: bytes, site_id: int, assessment: Assessment) -> None:
        """
        Remember an assessment.
        """
        points = tuple((reason.code, reason.points) for reason in (*assessment.reasons, *assessment.counter_reasons))
        self._kept[assessment_id] = Kept(
            rid, site_id, assessment.score, assessment.class_, assessment.confidence, points
        )
        if len(self._kept) > self._kept_max:
            forgotten, _ = self._kept.popitem(last=False)
            self._judged.pop(forgotten, None)

    def find(self, assessment_id: str) -> Kept | None:
        """
        Find an assessment of today.
        """
        return self._kept.get(assessment_id)

    def judge(self, assessment_id: str, verdict: str) -> bool:
        """
        Take a person's word on an assessment; a second word replaces the first.

        Returns:
            False when the assessment is not known, or no longer.
        """
        assert verdict in VERDICTS
        kept = self._kept.get(assessment_id)
        if kept is None:
            return False
        before = self._judged.get(assessment_id)
        if before is not None:
            self.feedback[(kept.class_, before)] -= 1
        self._judged[assessment_id] = verdict
        self.feedback[(kept.class_, verdict)] = self.feedback.get((kept.class_, verdict), 0) + 1
        return True

    def forget_address(self, rid: bytes) -> int:
        """
        Forget all assessments of an address, for an erasure or objection.
        """
        found = [name for name, kept in self._kept.items() if kept.rid == rid]
        for name in found:
            del self._kept[name]
            self._judged.pop(name, None)
        return len(found)

    def forget_day(self) -> None:
        """
        Forget everything but the counts of verdicts.
        """
        self._kept.clear()
        self._judged.clear()
