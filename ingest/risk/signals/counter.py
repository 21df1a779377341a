"""
Counter-reasons: what speaks for people. They take points away and are shown like every other reason.
"""

from __future__ import annotations

from ingest.risk.evidence import Evidence
from ingest.risk.findings import Finding, Signal


def somebody_reads(evidence: Evidence) -> Finding | None:
    """
    Pages are read for human times, each another one. A program can make this up, but has to take the time or risk
    equal readings; so it takes away less than the strongest reasons give.
    """
    if evidence.readings < 2 or evidence.repeats * 4 > evidence.readings or evidence.owed_views == 0:
        return None
    mean_ms = evidence.engaged_ms / evidence.readings
    if evidence.reading_share < 0.4 or not 1500 <= mean_ms <= 1_200_000:
        return None
    return Finding(-20 if evidence.reading_share >= 0.6 else -12, evidence.readings)


def shared_line(evidence: Evidence) -> Finding | None:
    """
    Several browsers behind one address, and somebody reads: an office, a school or a mobile network, where volume says
    nothing.
    """
    if evidence.agents < 4 or evidence.owed_views == 0 or evidence.reading_share < 0.3:
        return None
    return Finding(-10, evidence.agents)


SIGNALS = (
    Signal("DWELL_OK", "behaviour", -20, somebody_reads),
    Signal("SHARED_LINE", "velocity", -10, shared_line),
)
