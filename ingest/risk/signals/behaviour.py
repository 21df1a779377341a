"""
Behaviour and content: what is done on the sites, and whether somebody could have done it.
"""

from __future__ import annotations

from ingest.risk.evidence import Evidence
from ingest.risk.findings import Finding, Signal, steps

LITTLE = 0.1
"""Readings for each pageview below which next to nobody reads."""
TABS_MAX = 30
"""More pages than this within ten minutes are no tabs that wait to be read."""
READ_BY_MS = 180_000
"""Of people who came together, as by a message to all, some have left their page by then, and told of it."""


def nobody_reads(evidence: Evidence) -> Finding | None:
    """
    A page that is shown to a person tells, when it is left, how long it was looked at. Many pages and no such word
    means that nothing was shown. Asked only of pages counted by script, on a site where readers do send it. A single
    word is enough until forty pages speak against it: tabs stay open for long.
    """
    if evidence.readings and evidence.owed_views < 40:
        return None
    if evidence.owed_views < 5 or evidence.reading_share >= LITTLE or _just_came(evidence):
        return None
    return Finding(steps(evidence.owed_views, (5, 10), (10, 18), (20, 28), (40, 36)), evidence.owed_views)


def no_time_to_read(evidence: Evidence) -> Finding | None:
    """
    Pages less than a second apart, again and again, and nobody who reads any: a shared line is as quick, but there
    somebody reads.
    """
    if evidence.quick_views < 4 or evidence.readings > evidence.views * LITTLE:
        return None
    share = evidence.quick_views / max(1, evidence.views)
    if _may_be_tabs(evidence):
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
    return Finding(steps(evidence.pages, (12, 12), (30, 18), (60, 24)), evidence.pages)


def one_page_over_again(evidence: Evidence) -> Finding | None:
    """
    The same few pages round and round and never read is a captured visit sent again, or a counter being driven up.
    Readers come back to a page, but not eight times to each of the pages they know.
    """
    if evidence.agents > 4 or evidence.pages > 8 or evidence.readings > evidence.views * LITTLE:
        return None
    if evidence.views < evidence.pages * 8:
        return None
    points = steps(evidence.views, (15, 20), (30, 28), (100, 35))
    return Finding(points, evidence.views) if points else None


def replayed(evidence: Evidence) -> Finding | None:
    """
    Reading times are told in milliseconds, so two equal ones for a page are one event sent twice; a round one, equal on
    several pages, is made up.
    """
    if evidence.repeats < 2:
        return None
    # One in 8,000 is equal by chance, as only 16 bits are kept: on a busy line that is one now and then.
    if evidence.repeats < evidence.readings * 0.05:
        return None
    # Where every fifth is a repeat, chance has no part in it and fewer suffice.
    often = evidence.repeats >= evidence.readings * 0.2
    points = steps(evidence.repeats, *(((2, 20), (3, 40), (5, 60)) if often else ((2, 15), (4, 35), (8, 60))))
    return Finding(points, evidence.repeats) if points else None


def even_beat(evidence: Evidence) -> Finding | None:
    """
    People are irregular: the times between their pages vary as much as their mean. A timer's hardly vary, or are whole
    seconds. A program that draws its pauses between two bounds is more even than a person, too; over twenty pauses
    that shows whether it makes reading times up or not.
    """
    if evidence.gaps < 8:
        return None
    if evidence.gap_variation < (0.35 if evidence.gaps >= 20 else 0.1):
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
    if evidence.sites < 6:
        return None
    per_client = evidence.sites // evidence.people_at_once
    points = steps(per_client, (6, 8), (12, 15), (30, 25))
    return Finding(points, evidence.sites) if points else None


def silent_neighbours(evidence: Evidence) -> Finding | None:
    """
    Many addresses of one network within ten minutes, hardly one of which reads: one sender that changes its address.
    In a network of people somebody reads, once there was time for it; and people have many browsers, a sender has one.
    So where all have one and the same browser, fewer addresses say the same, and they need not be waited for. Two are
    enough to wait: a message to all readers brings hundreds of phones of a few models at once.
    """
    neighbours = evidence.neighbours
    # An address that reads is no part of it, whatever its neighbours do.
    if evidence.readings or neighbours.views < 6 or neighbours.readings > neighbours.views * 0.05:
        return None
    addresses = neighbours.addresses_10m
    if neighbours.agents_10m <= 1:
        points = steps(addresses, (6, 30), (8, 50), (10, 60))
    elif neighbours.busy_ms >= READ_BY_MS:
        points = steps(addresses, (8, 30), (14, 50), (24, 60))
    else:
        points = 0
    return Finding(points, addresses) if points else None


def conversion_without_view(evidence: Evidence) -> Finding | None:
    """
    A goal or purchase happens on a page, and the page is counted first. One may be lost; several without any page are
    made up.
    """
    if evidence.views == 0:
        points = steps(evidence.orphans, (1, 10), (2, 25), (3, 45), (4, 60))
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


def _may_be_tabs(evidence: Evidence) -> bool:
    """
    Tell whether so few pages came that somebody may have opened them as tabs. Tabs are different pages: one page over
    again is no tab.
    """
    return evidence.views < TABS_MAX and evidence.pages * 4 > evidence.views


def _just_came(evidence: Evidence) -> bool:
    """
    Tell whether what is unread came so lately, and is so little, that it may still be read: who opens a dozen tabs
    reads them afterwards.
    """
    if evidence.pages * 4 <= evidence.views:
        return False
    lately = min(evidence.views, evidence.events_10m)
    before = max(0, evidence.owed_views - lately)
    return lately < TABS_MAX and evidence.readings >= before * LITTLE


SIGNALS = (
    Signal("ZERO_DWELL", "behaviour", 36, nobody_reads),
    Signal("QUICK_PAGES", "behaviour", 15, no_time_to_read),
    Signal("FAN_PATHS", "behaviour", 24, crawling),
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
