"""
Reports: the sets of dimensions that rollups are kept by, and which report answers a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.stats.dimensions import DIMENSIONS, Dimension
from dashboard.stats.metrics import ENGAGEMENT_METRICS

LABELS_MAX = 3
"""Most dimensions of one report: the table has so many columns for labels."""
HOUR = "time:hour"
GOAL = "event:goal"
_VISIT_METRICS = ("views_per_visit", "bounce_rate", "visit_duration")
_COUNTS = ("visitors", "visits", "pageviews", "events")


@dataclass(frozen=True, slots=True)
class Report:
    """
    One set of dimensions, in the order of its labels.

    Attributes:
        name: the dimensions' names joined by `+`; empty for the total. It is stored in every row of a rollup.
    """

    name: str
    dimensions: tuple[Dimension, ...]

    @property
    def overlaps(self) -> bool:
        """
        Whether visitors in several rows are known, so that rows can be folded. Of events they would be too many.
        """
        return any(not dimension.exact for dimension in self.dimensions) and all(
            dimension.family == "visit" and dimension.event_column for dimension in self.dimensions
        )

    @property
    def by_goal(self) -> bool:
        return any(dimension.name == GOAL for dimension in self.dimensions)

    @property
    def metrics(self) -> tuple[str, ...]:
        """
        Every metric that a question about these dimensions may ask for.
        """
        names = {dimension.name for dimension in self.dimensions}
        if names & {GOAL, "event:name"}:
            return _COUNTS
        engagement = tuple(sorted(ENGAGEMENT_METRICS)) if "event:page" in names else ()
        return (*_COUNTS, *_VISIT_METRICS, *engagement)


def _report(*names: str) -> Report:
    assert len(names) <= LABELS_MAX
    return Report("+".join(names), tuple(DIMENSIONS[name] for name in names))


TOTAL = _report()
REPORTS: tuple[Report, ...] = (
    TOTAL,
    _report(HOUR),
    *(_report(name) for name, dimension in DIMENSIONS.items() if dimension.family != "time"),
    _report("visit:browser", "visit:browser_version"),
    _report("visit:os", "visit:os_version"),
    _report("visit:country", "visit:region"),
    _report("visit:country", "visit:region", "visit:city"),
    _report("visit:country", "visit:city"),
    _report("visit:channel", "visit:source"),
    _report("event:hostname", "event:page"),
    _report("visit:entry_page_hostname", "visit:entry_page"),
    _report("visit:exit_page_hostname", "visit:exit_page"),
)
"""By each dimension, and by those that are shown together."""

_BY_DIMENSIONS = {frozenset(dimension.name for dimension in report.dimensions): report for report in REPORTS}


LARGE = frozenset({"event:page", "visit:entry_page", "visit:exit_page"})
"""Reports of a single dimension with so many labels that reading them costs more than planning does."""


def find_report(dimensions: Sequence[Dimension]) -> Report | None:
    """
    Find the report that answers a question about these dimensions; days, weeks and months come from any report.
    """
    names = [dimension.name for dimension in dimensions]
    if "time:minute" in names:
        return None
    return _BY_DIMENSIONS.get(
        frozenset(name for name, one in zip(names, dimensions, strict=True) if one.family != "time" or one.by_clock)
    )
