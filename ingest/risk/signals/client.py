"""
Client: what user agents and headers say, weighed by the share of the address's events they come with.
"""

from __future__ import annotations

from ingest.risk.evidence import Evidence
from ingest.risk.findings import Finding, Signal

SHARE_MIN = 0.05
"""Below this share of an address's events, one odd client among many is not the address's."""


def by_share(count: int, of: int, points: int) -> Finding | None:
    """
    Weigh points by the share of events: full from four fifths on, for a shared line is not its one robot.
    """
    if not count or not of or count / of < SHARE_MIN:
        return None
    share = min(1.0, count / of)
    weighed = round(points * min(1.0, share / 0.8))
    return Finding(weighed, f"{round(share * 100)} %") if weighed else None


def declared_bot(evidence: Evidence) -> Finding | None:
    """
    It says itself that it is a crawler, monitor or preview. An honest statement, and the strongest one.
    """
    return by_share(evidence.declared_bot, evidence.total, 60)


def library(evidence: Evidence) -> Finding | None:
    """
    The user agent of an HTTP library or command: a program, though perhaps the site owner's own.
    """
    return by_share(evidence.library, evidence.total, 50)


def empty_agent(evidence: Evidence) -> Finding | None:
    """
    Every browser sends a user agent; scripts forget it, and a few privacy proxies remove it.
    """
    return by_share(evidence.empty_agent, evidence.total, 25)


def ancient_agent(evidence: Evidence) -> Finding | None:
    """
    Browsers of 2018 and before cannot show most of today's web; lists of user agents in scripts are full of them.
    """
    return by_share(evidence.ancient_agent, evidence.total, 10)


def headless(evidence: Evidence) -> Finding | None:
    """
    The browser says that it runs without a screen, which people do not do.
    """
    return by_share(evidence.headless, evidence.total, 50)


def impossible_headers(evidence: Evidence) -> Finding | None:
    """
    Headers that no browser of this name sends: a Chrome without client hints on https, a Firefox with them, two
    versions at once, no language. Extensions and proxies that rewrite headers do this to a few people, so it takes
    three looks and never suffices alone.
    """
    if evidence.looked < 3:
        return None
    return by_share(evidence.headers_impossible, evidence.looked, 20)


def wrong_origin(evidence: Evidence) -> Finding | None:
    """
    A browser names the page's own origin with every beacon it posts, and scripts cannot change that; a program has to
    think of it.
    """
    if evidence.looked < 3:
        return None
    return by_share(evidence.origin_wrong, evidence.looked, 20)


def many_agents(evidence: Evidence) -> Finding | None:
    """
    A program that draws its user agent anew for every request shows nearly as many of them as events, where people
    come back with the same browser; and nobody reads.
    """
    if evidence.agents < 8 or evidence.readings > evidence.views * 0.1:
        return None
    share = evidence.agents / max(1, min(evidence.total, 150))
    return Finding(20 if share >= 0.5 else 10, evidence.agents) if share >= 0.3 else None


SIGNALS = (
    Signal("UA_BOT", "client", 60, declared_bot),
    Signal("UA_LIB", "client", 50, library),
    Signal("UA_EMPTY", "client", 25, empty_agent),
    Signal("UA_ANCIENT", "client", 10, ancient_agent),
    Signal("UA_HEADLESS", "client", 50, headless),
    Signal("HDR_IMPOSSIBLE", "client", 20, impossible_headers),
    Signal("ORIGIN_MISMATCH", "client", 20, wrong_origin),
    Signal("FAN_UA", "client", 20, many_agents),
)
