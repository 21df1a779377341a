"""
Assessments already given, kept for explanations and feedback until their day is over: codes, points, score, site and
the day-bound risk id, and no address.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from ingest.risk.assess import Assessment

ASSESSMENTS_MAX = 100_000
"""About 40 MiB when full; the oldest gives way."""
VERDICTS = ("right", "wrong")
RISK_ID_BYTES = 16


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """
    One assessment.
    """

    site_id: int
    score: int
    class_: str
    confidence: str
    points: tuple[tuple[str, int], ...]
    """Code and points of every reason and counter-reason."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Kept).decode


class Assessments:
    """
    The assessments of today.
    """

    def __init__(self, kept_max: int = ASSESSMENTS_MAX) -> None:
        # Packed, the risk id in front: a hundred thousand objects would make the garbage collector stop for long.
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_max = kept_max
        self._judged: dict[str, str] = {}
        self.feedback: dict[tuple[str, str], int] = {}
        """Class and verdict -> how often."""

    def keep(self, assessment_id: str, rid: bytes, site_id: int, assessment: Assessment) -> None:
        """
        Remember an assessment.
        """
        points = tuple([(reason.code, reason.points) for reason in assessment.reasons + assessment.counter_reasons])
        kept = Kept(site_id, assessment.score, assessment.class_, assessment.confidence, points)
        self._kept[assessment_id] = rid + _encode(kept)
        if len(self._kept) > self._kept_max:
            forgotten, _ = self._kept.popitem(last=False)
            self._judged.pop(forgotten, None)

    def find(self, assessment_id: str) -> Kept | None:
        """
        Find an assessment of today.
        """
        packed = self._kept.get(assessment_id)
        return None if packed is None else _decode(packed[RISK_ID_BYTES:])

    def judge(self, assessment_id: str, verdict: str) -> bool:
        """
        Take a person's word on an assessment; a second word replaces the first.

        Returns:
            False when the assessment is not known, or no longer.
        """
        assert verdict in VERDICTS
        kept = self.find(assessment_id)
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
        found = [name for name, kept in self._kept.items() if kept[:RISK_ID_BYTES] == rid]
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
