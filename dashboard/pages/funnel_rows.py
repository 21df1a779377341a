"""
The rows of a funnel: one step each.
"""

from __future__ import annotations

from babel.core import Locale

from dashboard.context import Context
from dashboard.pages.panels import Tab
from dashboard.pages.row_lines import Line, metric_text, rate
from dashboard.pages.view import View
from dashboard.stats.funnel import funnel_visitors
from dashboard.stats.period import Period
from dashboard.stats.query import Viewer
from warehouse.registry.sites import Site


def funnel_lines(
    context: Context, site: Site, view: View, period: Period, viewer: Viewer, locale: Locale, tab: Tab, name: str
) -> tuple[Line, ...]:
    """
    Answer the steps of the funnel called `name`.
    """
    goals = {goal.id: goal for goal in context.registry.goals.all(site.id)}
    funnel = next(funnel for funnel in context.registry.funnels.all(site.id) if funnel.name == name)
    steps = [goals[number] for number in funnel.goal_ids if number in goals]
    if not steps:
        return ()
    counts = funnel_visitors(context, site, period, steps, view.conditions(), viewer)
    lines: list[Line] = []
    before = first = counts[0]
    for goal, count in zip(steps, counts, strict=True):
        metrics = (count, rate(count, before) if lines else None, rate(count, first))
        texts = tuple(
            metric_text(metric, name, locale, None) for name, metric in zip(tab.metrics, metrics, strict=True)
        )
        full = tuple(
            metric_text(metric, name, locale, None, full=True)
            for name, metric in zip(tab.metrics, metrics, strict=True)
        )
        width = round(100 * count / first) if count and first else 0
        lines.append(Line(goal.display_name, goal.display_name, "", metrics, texts, full, None, width, True))
        before = count
    return tuple(lines)
