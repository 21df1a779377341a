"""
Assess: evidence to a score with reasons that add up, and the words for it. Pure: the same evidence gives the same.

Advice only. There is no action word here and must not be one (GDPR art. 22; CJEU C-634/21): a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from ingest.risk.evidence import Evidence
from ingest.risk.findings import Group, Signal
from ingest.risk.signals.catalogue import COUNTER_SIGNALS, GROUP_POINTS_MAX, SIGNALS

MODEL = "rules-2026.11.3"
AUTOMATED_FROM, HUMAN_UP_TO = 60, 15
BANDS = ((75, "high"), (50, "elevated"), (25, "guarded"), (0, "low"))
SHARE_DECLARED = 0.8

Band = Literal["low", "guarded", "elevated", "high"]
Class = Literal["likely_automated", "unclear", "likely_human", "verified_bot", "not_assessed"]
CLASSES: tuple[Class, ...] = ("unclear", "likely_human", "likely_automated", "verified_bot", "not_assessed")
TRAFFIC: tuple[str, ...] = (*CLASSES, "declared_bot")
"""How a site's traffic is divided: as its addresses are classed, and robots that say so apart."""
Confidence = Literal["low", "medium", "high"]


class Reason(NamedTuple):
    """
    One line of the sum.
    """

    code: str
    group: Group
    points: int
    value: int | str


@dataclass(frozen=True, slots=True)
class Assessment:
    """
    What is said of an address; `score` is the sum of the points of `reasons` and `counter_reasons`.
    """

    score: int
    band: Band
    confidence: Confidence
    class_: Class
    reasons: tuple[Reason, ...]
    counter_reasons: tuple[Reason, ...]


def assess(
    evidence: Evidence, signals: tuple[Signal, ...] = SIGNALS, counters: tuple[Signal, ...] = COUNTER_SIGNALS
) -> Assessment:
    """
    Add up what the signals find, no group beyond its limit and the sum between 0 and 100.

    Args:
        signals, counters: all, or for an ablation all but some.
    """
    reasons = _found(evidence, signals)
    by_group: dict[Group, int] = {}
    for reason in reasons:
        by_group[reason.group] = by_group.get(reason.group, 0) + reason.points
    for group, points_max in GROUP_POINTS_MAX.items():
        points = by_group.get(group, 0)
        if points > points_max:
            reasons.append(Reason(f"LIMIT_{group.upper()}", "limit", points_max - points, points_max))
    against = sum([reason.points for reason in reasons])
    counter = _found(evidence, counters) if against else []
    total = against + sum([reason.points for reason in counter])
    if total > 100:
        reasons.append(Reason("LIMIT_SCORE", "limit", 100 - total, 100))
    elif total < 0:
        counter.append(Reason("LIMIT_ZERO", "limit", -total, 0))
    score = max(0, min(100, total))
    confidence = _confidence(evidence)
    return Assessment(
        score,
        _band(score),
        confidence,
        _class(evidence, score, confidence),
        tuple(reasons),
        tuple(counter),
    )


def not_assessed(code: str) -> Assessment:
    """
    Say that nothing is said of an address, and why: `RESTRICTED`, `SIGNAL` or `SITE_OFF`.
    """
    return Assessment(0, "low", "low", "not_assessed", (Reason(code, "limit", 0, ""),), ())


def traffic_class(evidence: Evidence, assessment: Assessment) -> str:
    """
    Say which part of a site's traffic an address belongs to, one of `TRAFFIC`.
    """
    if assessment.class_ != "verified_bot" and _declares(evidence):
        return "declared_bot"
    return assessment.class_


def _found(evidence: Evidence, signals: tuple[Signal, ...]) -> list[Reason]:
    found: list[Reason] = []
    for signal in signals:
        finding = signal.find(evidence)
        if finding is not None:
            found.append(Reason(signal.code, signal.group, finding.points, finding.value))
    return found


def _band(score: int) -> Band:
    return next(name for least, name in BANDS if score >= least)  # type: ignore[return-value]  # names of BANDS


def _confidence(evidence: Evidence) -> Confidence:
    """
    Tell how much there was to go by: hits, time watched, and the network list. Unknown is not clean.
    """
    if evidence.total < 5 or evidence.watched_ms < 600_000:
        return "low"
    if evidence.total >= 20 and evidence.watched_ms >= 3_600_000 and evidence.network.known:
        return "high"
    return "medium"


def _class(evidence: Evidence, score: int, confidence: Confidence) -> Class:
    if evidence.network.kind == "crawler" and _declares(evidence):
        return "verified_bot"
    if score >= AUTOMATED_FROM:
        return "likely_automated"
    if score <= HUMAN_UP_TO and confidence != "low" and evidence.owed_views and evidence.reading_share >= 0.4:
        return "likely_human"
    return "unclear"


def _declares(evidence: Evidence) -> bool:
    return evidence.declared_bot >= max(1, evidence.total) * SHARE_DECLARED
