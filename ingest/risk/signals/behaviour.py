"""
Behaviour and content: what is done on the sites, and whether somebody could have done it.
"""

from __future__ import annotations

from ingest.risk.evidence import Evidence
from ingest.risk.findings import Finding, Signal, steps

LITTLE = 0.1
"""Readings for each pageview below which next to nobody reads."""


def nobody_reads(evidence: Evidence) -> Finding | None:
    """
    A page that is shown to a person tells, when it is left, how long it was looked at. Many pages and no such word
    means that nothing was shown. Asked only of pages counted by script, on a site where readers do send it.
    """
    if evidence.owed_views < 5 or evidence.reading_share >= LITTLE or _just_came(evidence):
        return None
    return Finding(steps(evidence.owed_views, (5, 10), (10, 18), (20, 28)), evidence.owed_views)


def no_time_to_read(evidence: Evidence) -> Finding | None:
    """
    Pages less than a second apart, again and again, and nobody who reads any: a shared line is as quick, but there
    somebody reads.
    """
    if evidence.quick_views < 4 or evidence.readings > evidence.views * LITTLE:
        return None
    share = evidence.quick_views / max(1, evidence.views)
    if _just_came(evidence):
        return None
    # Without reading times the quickness of many people at once looks alike.
    if not evidence.owed_views and evidence.agents > 3:
        return None
    return Finding(15, evidence.quick_views) if share >= 0.3 else None


def crawling(evidence: Evidence) -> Finding | None:
    """
    A reader comes back to pages; a crawler takes each once. Many pages, hardly one of them twice, and nobody reads.
    """
    if evidence.pages < 12 or evidence.readings > evidence.views * LITTLE or evidence.agents > 8:
        return None
    if evidence.pages < min(evidence.views, 120) * 0.7:
        return None
    return Finding(steps(evidence.pages, (12, 12), (30, 18)), evidence.pages)


def one_page_over_again(evidence: Evidence) -> Finding | None:
    """
    The same one or two pages dozens of times and never read is a captured request sent again, or a counter being
    driven up.
    """
    if evidence.agents > 4 or evidence.pages > 2 or evidence.readings > evidence.views * LITTLE:
        return None
    points = steps(evidence.views, (15, 12), (30, 25), (100, 35))
    return Finding(points, evidence.views) if points else None


def replayed(evidence: Evidence) -> Finding | None:
    """
    Reading times are told in milliseconds, so two equal ones for a page are one event sent twice; a round one, equal on
    several pages, is made up.
    """
    # One in 8,000 is equal by chance, as only 16 bits are kept: on a busy line that is one now and then.
    if evidence.repeats < evidence.readings * 0.05:
        return None
    points = steps(evidence.repeats, (2, 15), (4, 35), (8, 60))
    return Finding(points, evidence.repeats) if points else None


def even_beat(evidence: Evidence) -> Finding | None:
    """
    People are irregular: the times between their pages vary as much as their mean. A timer's hardly vary, or are whole
    seconds.
    """
    if evidence.gaps < 8:
        return None
    if evidence.gap_variation < 0.1:
        return Finding(25, f"{evidence.gap_variation:.2f}")
    if evidence.gap_variation < 0.35 and evidence.reading_share < LITTLE:
        return Finding(12, f"{evidence.gap_variation:.2f}")
    if evidence.whole_seconds >= evidence.gaps * 0.9:
        return Finding(15, "1 s")
    return None


def without_sleep(evidence: Evidence) -> Finding | None:
    """
    Activity in most hours of a day, night included, and nobody who reads: people sleep, on shared lines too.
    """
    hours = evidence.hours.bit_count()
    if hours < 10 or evidence.readings > evidence.views * LITTLE:
        return None
    return Finding(steps(hours, (10, 12), (14, 20), (18, 25)), hours)


def many_sites(evidence: Evidence) -> Finding | None:
    """
    One address on many sites of this installation in a day: rare for a person, ordinary for a scanner.
    """
    per_client = evidence.sites // evidence.people_at_once
    points = steps(per_client, (6, 8), (12, 15), (30, 25))
    return Finding(points, evidence.sites) if points else None


def silent_neighbours(evidence: Evidence) -> Finding | None:
    """
    A dozen and more addresses of one network within ten minutes, hardly one of which reads: one sender that changes
    its address. In a network of people somebody reads.
    """
    neighbours = evidence.neighbours
    # An address that reads is no part of it, whatever its neighbours do.
    if evidence.readings or neighbours.views < 10 or neighbours.readings > neighbours.views * 0.05:
        return None
    points = steps(neighbours.addresses_10m, (8, 30), (14, 50), (24, 60))
    return Finding(points, neighbours.addresses_10m) if points else None


def conversion_without_view(evidence: Evidence) -> Finding | None:
    """
    A goal or purchase happens on a page, and the page is counted first. One may be lost; several without any page are
    made up.
    """
    if evidence.views == 0:
        points = steps(evidence.orphans, (1, 10), (2, 25), (3, 45), (5, 60))
    else:
        points = steps(evidence.orphans, (3, 15), (8, 30))
    return Finding(points, evidence.orphans) if points else None


def purchases_beyond_views(evidence: Evidence) -> Finding | None:
    """
    Every purchase ends on a page of its own, so there cannot be more of them than pageviews.
    """
    if evidence.purchases < 3 or evidence.views == 0 or evidence.purchases <= evidence.views:
        return None
    return Finding(steps(evidence.purchases / evidence.views, (1, 20), (2, 45), (4, 60)), evidence.purchases)


def spam_referrer(evidence: Evidence) -> Finding | None:
    """
    The referrer is on the list of hosts that send made-up visits to be seen in statistics.
    """
    if not evidence.spam_referrer:
        return None
    return Finding(60 if evidence.spam_referrer >= evidence.total * 0.5 else 30, evidence.spam_referrer)


def _just_came(evidence: Evidence) -> bool:
    # Somebody who opens a dozen tabs reads them afterwards.
    return evidence.views < 30 and evidence.last_ms - evidence.first_ms < 180_000


SIGNALS = (
    Signal("ZERO_DWELL", "behaviour", 28, nobody_reads),
    Signal("QUICK_PAGES", "behaviour", 15, no_time_to_read),
    Signal("FAN_PATHS", "behaviour", 18, crawling),
    Signal("SAME_PAGE", "behaviour", 35, one_page_over_again),
    Signal("BEAT", "behaviour", 25, even_beat),
    Signal("NIGHT_FLAT", "behaviour", 25, without_sleep),
    Signal("FAN_SITES", "behaviour", 25, many_sites),
    Signal("NET_SILENT", "behaviour", 60, silent_neighbours),
    Signal("REPLAY", "content", 60, replayed),
    Signal("CONV_NO_VIEW", "content", 60, conversion_without_view),
    Signal("CONV_RATIO", "content", 60, purchases_beyond_views),
    Signal("REF_SPAM", "content", 60, spam_referrer),
)
