"""
The owner of the risk windows: takes observations of all collectors of a machine, answers what they ask.

It never learns an address: askers send the risk id they made of one. It holds no key.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Any

import numpy as np
from msgspec.structs import replace

from ingest.risk.advice import ADVICE, named, written
from ingest.risk.assess import MODEL, TRAFFIC, assess, not_assessed, traffic_class
from ingest.risk.assessments import Assessments
from ingest.risk.evidence import Evidence, NetworkFacts
from ingest.risk.observation import RECORD, Mark
from ingest.risk.question import Question
from ingest.risk.rows import ADDRESSES_MAX
from ingest.risk.texts import reason_text
from ingest.risk.windows import DAY_MS, Seen, Windows, day_end
from warehouse.clock import Clock

CLASSED_FROM_EVENTS = 3
CLASSED_A_SECOND_MAX = 200
"""Addresses thought about again, a tenth of a millisecond each; the others keep their class until they come again."""
CLASSED_AT_ONCE_MAX = 10
"""Of them for one piece of observations, so that no question waits for more."""


class Owner:
    """
    Windows, assessments and site figures of one machine.
    """

    def __init__(self, clock: Clock, addresses_max: int = ADDRESSES_MAX) -> None:
        self._clock = clock
        self.windows = Windows(clock.now_ms(), addresses_max)
        self.assessments = Assessments()
        self._secret = os.urandom(32)
        self._may_class = float(CLASSED_A_SECOND_MAX)
        self._may_class_at_ms = clock.monotonic_ms()
        self.observed = 0

    def turn(self) -> None:
        """
        Forget the day when it is over. Call it once a second.
        """
        day = self.windows.day
        self.windows.turn(self._clock.now_ms())
        if self.windows.day != day:
            self.assessments.forget_day()

    def add(self, packed: bytes) -> None:
        """
        Count observations.
        """
        self.turn()
        seen = self.windows.add(packed)
        self.observed += len(packed) // RECORD.size
        self._classify(seen)
        self.windows.divide(seen)

    def check(self, question: Question) -> bytes:
        """
        Assess an address.

        Returns:
            The answer as JSON.
        """
        self.turn()
        now_ms = self._clock.now_ms()
        facts = NetworkFacts(
            known=question.known,
            kind=question.kind,  # type: ignore[arg-type]  # the collector reads it from a closed list
            asn=question.asn,
            organisation=question.organisation,
            country=question.country,
            unroutable=question.unroutable,
        )
        if question.refused:
            evidence, assessment = Evidence(), not_assessed(question.refused)
        else:
            evidence = self.windows.read(question.rid, question.network_id, now_ms, facts)
            assessment = assess(with_client(evidence, question.marks))
        fields = written(question, assessment, evidence, day_end(now_ms))
        asked = fields + question.rid + question.site_id.to_bytes(4, "little")
        assessment_id = blake2b(asked, digest_size=12, key=self._secret, person=b"daysalt/assessed").hexdigest()
        if not question.refused:
            self.assessments.keep(assessment_id, question.rid, question.site_id, assessment)
        return named(assessment_id, fields)

    def explain(self, assessment_id: str) -> dict[str, Any] | None:
        """
        Tell again why an assessment of today came out as it did, from its codes alone.
        """
        self.turn()
        kept = self.assessments.find(assessment_id)
        if kept is None:
            return None
        lines = {False: list[dict[str, Any]](), True: list[dict[str, Any]]()}
        for code, points in kept.points:
            speaks_for = points < 0 and not code.startswith("LIMIT_")
            lines[speaks_for].append({"code": code, "points": points, "text": reason_text(code)})
        return {
            "assessment_id": assessment_id,
            "model": MODEL,
            "site_id": kept.site_id,
            "score": kept.score,
            "confidence": kept.confidence,
            "class": kept.class_,
            "reasons": lines[False],
            "counter_reasons": lines[True],
            "expires_at": day_end(self._clock.now_ms()),
            **ADVICE,
        }

    def judge(self, assessment_id: str, verdict: str) -> bool:
        """
        Take feedback; see `Assessments.judge`.
        """
        self.turn()
        return self.assessments.judge(assessment_id, verdict)

    def quality(self, site_id: int, window: str, k: int) -> dict[str, Any]:
        """
        Divide a site's traffic by class.

        Args:
            window: `1h`, the present clock hour and the one before, or `24h`, the UTC day so far.
        """
        self.turn()
        now_ms = self._clock.now_ms()
        hour = now_ms % DAY_MS // 3_600_000
        hours = range(max(0, hour - 1), hour + 1) if window == "1h" else range(hour + 1)
        figures = self.windows.peek(site_id).quality(hours, k)
        for reason in figures["reasons"]:
            reason["text"] = reason_text(reason["code"])
        return {"window": window, "model": MODEL, "k": k, **figures}

    def forget_address(self, rid: bytes) -> bool:
        """
        Forget what is known of an address, for an erasure or objection.
        """
        self.turn()
        self.assessments.forget_address(rid)
        return self.windows.forget(rid)

    def _classify(self, seen: Seen) -> None:
        """
        Think again about addresses whose count has doubled since the last time, as many as there is time for.
        """
        rows = self.windows.rows.table
        numbers = np.array(seen.numbers, dtype=np.int64)
        totals, held = rows["total"][numbers], rows["class"][numbers]
        levels = np.minimum(np.log2(np.maximum(totals, 1)), 30).astype(np.uint8) + 1
        # Who says at once what it is need not be waited for.
        ripe = (totals >= CLASSED_FROM_EVENTS) | (rows["declared_bot"][numbers] > 0)
        due = np.flatnonzero(ripe & (levels != held >> 3))[: self._class_allowance()]
        self._may_class -= len(due)
        now_ms = self._clock.now_ms()
        places: list[int] = due.tolist()
        for place in places:
            number = seen.numbers[place]
            evidence = self.windows.evidence(number, seen.networks[place], now_ms, NetworkFacts())
            assessment = assess(evidence)
            class_ = traffic_class(evidence, assessment)
            before, after = int(held[place]) & 7, TRAFFIC.index(class_)
            rows["class"][number] = int(levels[place]) << 3 | after
            if after != before and class_ == "likely_automated":
                self.windows.site(int(seen.site_ids[place])).blame(
                    reason.code for reason in assessment.reasons if reason.points > 0
                )

    def _class_allowance(self) -> int:
        at_ms = self._clock.monotonic_ms()
        earned = (at_ms - self._may_class_at_ms) * CLASSED_A_SECOND_MAX / 1000
        self._may_class = min(self._may_class + earned, CLASSED_A_SECOND_MAX)
        self._may_class_at_ms = at_ms
        return min(int(self._may_class), CLASSED_AT_ONCE_MAX)


def with_client(evidence: Evidence, marks: int) -> Evidence:
    """
    Add what the caller saw of the client: it speaks for the request asked about, so it counts in full.
    """
    if not marks:
        return evidence
    total = max(1, evidence.total)
    fields: dict[str, Any] = {"total": total}
    for mark, name in _BY_AGENT:
        if marks & mark:
            fields[name] = total
    looked = max(3, evidence.looked)
    for mark, name in ((Mark.HEADERS_IMPOSSIBLE, "headers_impossible"), (Mark.ORIGIN_WRONG, "origin_wrong")):
        if marks & mark:
            fields |= {"looked": looked, name: looked}
    return replace(evidence, **fields)


_BY_AGENT = (
    (Mark.DECLARED_BOT, "declared_bot"),
    (Mark.LIBRARY, "library"),
    (Mark.EMPTY_AGENT, "empty_agent"),
    (Mark.ANCIENT_AGENT, "ancient_agent"),
    (Mark.HEADLESS, "headless"),
)
