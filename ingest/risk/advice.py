"""
Advice: the answer to a check as JSON, written once for each. It never holds an address.

Structs of msgspec, and the parts that never change written beforehand: dicts of the same fields took twice as long.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from ingest.risk.assess import MODEL, Assessment, Reason
from ingest.risk.calibration import probability
from ingest.risk.evidence import Evidence
from ingest.risk.question import Question
from ingest.risk.texts import NOTICE, reason_text

TEXTS_MAX = 1_000
"""Far more than there are codes."""
ADVICE: dict[str, Any] = {"decision": "none", "human_review_required": True, "notice": NOTICE}
"""What ends every answer."""


class _Line(msgspec.Struct, frozen=True, gc=False):
    code: str
    group: str
    points: int
    value: int | str
    text: msgspec.Raw


class _Counts(msgspec.Struct, frozen=True, gc=False):
    events_1m: int
    events_10m: int
    events_1h: int
    events_24h: int
    hours: tuple[int, ...]


class _Told(msgspec.Struct, frozen=True, gc=False):
    model: str
    data: dict[str, str | None]
    subject: str
    score: int
    band: str
    confidence: str
    probability: float | None
    class_: str = msgspec.field(name="class")
    reasons: list[_Line]
    counter_reasons: list[_Line]
    evidence_window: str
    evidence: _Counts
    expires_at: str


def written(question: Question, assessment: Assessment, evidence: Evidence, expires_at: str) -> bytes:
    """
    Write what differs between answers, as the fields of a JSON object without its brackets.

    Args:
        expires_at: ISO 8601.
    """
    told = _Told(
        MODEL,
        question.data,
        question.subject,
        assessment.score,
        assessment.band,
        assessment.confidence,
        None if question.refused else probability(assessment.score),
        assessment.class_,
        [_line(reason) for reason in assessment.reasons],
        [_line(reason) for reason in assessment.counter_reasons],
        "24h",
        _Counts(evidence.events_1m, evidence.events_10m, evidence.events_1h, evidence.total, _hours(evidence.hours)),
        expires_at,
    )
    return _encode(told)[1:-1]


def named(assessment_id: str, fields: bytes) -> bytes:
    """
    Make an answer of its id and what `written` gave.
    """
    return b'{"assessment_id":"%b",%b,%b' % (assessment_id.encode(), fields, _END)


_encode = msgspec.json.Encoder().encode
_END = _encode(ADVICE)[1:]


def _line(reason: Reason) -> _Line:
    return _Line(reason.code, reason.group, reason.points, reason.value, _text(reason.code))


@lru_cache(TEXTS_MAX)
def _text(code: str) -> msgspec.Raw:
    return msgspec.Raw(_encode(reason_text(code)))


@lru_cache(4096)
def _hours(bits: int) -> tuple[int, ...]:
    return tuple(hour for hour in range(24) if bits >> hour & 1)
