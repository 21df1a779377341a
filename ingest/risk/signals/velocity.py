"""
Velocity: how fast, for as many clients as there seem to be behind the address.
"""

from __future__ import annotations

from ingest.risk.evidence import Evidence
from ingest.risk.findings import Finding, Signal, steps


def in_a_minute(evidence: Evidence) -> Finding | None:
    """
    A person opens a page every few seconds at most, so one client makes some 40 events a minute at its quickest.

    Counted per client, for a line shared by an office or a mobile network is many people; different user agents stand
    for clients, and are believed in full only where reading times show people.
    """
    if evidence.events_1m < 60:
        return None
    rate = evidence.events_1m // evidence.people_at_once
    points = steps(rate, (60, 8), (120, 15), (300, 25), (900, 30))
    return Finding(points, rate) if points else None


def in_ten_minutes(evidence: Evidence) -> Finding | None:
    """
    Nobody keeps up ten pages a minute for ten minutes. A sustained rate says more than a burst, which may be a person
    opening many tabs.
    """
    if evidence.events_10m < 100:
        return None
    rate = evidence.events_10m // evidence.people_at_once
    points = steps(rate, (100, 8), (200, 15), (400, 25))
    return Finding(points, rate) if points else None


def in_an_hour(evidence: Evidence) -> Finding | None:
    """
    Three hundred events an hour and client are beyond ordinary reading; thousands are beyond reading.
    """
    if evidence.events_1h < 300:
        return None
    rate = evidence.events_1h // evidence.people_at_once
    points = steps(rate, (300, 8), (800, 15), (2000, 25))
    return Finding(points, rate) if points else None


def in_a_day(evidence: Evidence) -> Finding | None:
    """
    Catches what stays below the hourly limits all day long: a person may read a lot, but not four thousand events.
    """
    if evidence.total < 1500:
        return None
    rate = evidence.total // evidence.people_at_once
    points = steps(rate, (1500, 6), (4000, 12), (10_000, 20))
    return Finding(points, rate) if points else None


def of_the_network(evidence: Evidence) -> Finding | None:
    """
    Who rents a whole network spreads requests over its addresses. Counted for the /24 or /48 over ten minutes, and
    only where next to nobody in it reads: networks of mobile operators are as busy, but their people read.
    """
    neighbours = evidence.neighbours
    if neighbours.views >= 10 and neighbours.readings > neighbours.views * 0.1:
        return None
    points = steps(neighbours.events_10m, (60, 5), (150, 10), (600, 15))
    return Finding(points, neighbours.events_10m) if points else None


SIGNALS = (
    Signal("VEL_1M", "velocity", 30, in_a_minute),
    Signal("VEL_10M", "velocity", 25, in_ten_minutes),
    Signal("VEL_1H", "velocity", 25, in_an_hour),
    Signal("VEL_24H", "velocity", 20, in_a_day),
    Signal("VEL_NET", "velocity", 15, of_the_network),
)
