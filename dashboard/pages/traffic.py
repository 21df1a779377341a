"""
Traffic quality: how a site's hits of today divide into people, robots that say so, and what is likely automated.

Counts by class only, and none of fewer than `k` addresses: the process that holds the windows tells no smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from dashboard.context import Context
from dashboard.pages.panels import mark
from dashboard.sockets import ask_quality
from warehouse.registry.sites import Site

TITLES = {
    "likely_human": mark("People, by how they read"),
    "declared_bot": mark("Robots that say so"),
    "verified_bot": mark("Verified crawlers"),
    "likely_automated": mark("Likely automated"),
    "unclear": mark("Too little known"),
}
"""The classes in the order in which they are shown."""
REASONS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Part:
    """
    One class: its events, None when withheld, and where its piece of the bar begins and ends, in percent.
    """

    name: str
    title: str
    events: int | None
    share: float | None
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Quality:
    """
    A site's traffic since midnight UTC.
    """

    events: int
    parts: tuple[Part, ...]
    withheld: bool
    why: tuple[tuple[str, int], ...]
    """Reasons in the reader's words, and how many addresses were called automated with each."""


def traffic_quality(context: Context, site: Site, language: str) -> Quality | None:
    """
    Ask how a site's traffic of today divides; None where risk is off or the windows do not answer.
    """
    if not site.risk:
        return None
    found = ask_quality(context.settings, site.id, "24h", site.k)
    if found is None:
        return None
    events = int(found["events"])
    counts = {each["class"]: each["events"] for each in found["classes"]}
    parts: list[Part] = []
    start = 0.0
    for name, title in TITLES.items():
        count = cast("int | None", counts.get(name, 0))
        if count == 0:
            continue
        share = None if count is None or not events else count / events
        width = round(100 * (share or 0), 2)
        parts.append(Part(name, title, count, share, round(start, 2), width))
        start += width
    reasons = cast("list[dict[str, Any]]", found["reasons"])
    why = tuple((str(reason["text"][language]), int(reason["addresses"])) for reason in reasons[:REASONS_SHOWN])
    return Quality(events, tuple(parts), bool(found["small_cell"]), why)
