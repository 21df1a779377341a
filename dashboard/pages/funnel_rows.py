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
    context: Context,
    site: Site,
    view: View,
    period: Period,
    compare: Period | None,
    viewer: Viewer,
    locale: Locale,
    tab: Tab,
    name: str,
) -> tuple[Line, ...]:
    """
    Answer the steps of the funnel called `name`.

    Args:
        compare: the period whose shares stand beside; the tab then has the column `BEFORE_RATE`.
    """
    goals = {goal.id: goal for goal in context.registry.goals.all(site.id)}
    funnel = next(funnel for funnel in context.registry.funnels.all(site.id) if funnel.name == name)
    steps = [goals[number] for number in funnel.goal_ids if number in goals]
    if not steps:
        return ()
    counts = funnel_visitors(context, site, period, steps, view.conditions(), viewer)
    old = funnel_visitors(context, site, compare, steps, view.conditions(), viewer) if compare else []
    lines: list[Line] = []
    for index, (goal, count) in enumerate(zip(steps, counts, strict=True)):
        metrics = (count, rate(count, counts[index - 1]) if index else None, rate(count, counts[0]))
        if compare:
            metrics = (*metrics, rate(old[index], old[0]))
        texts, full = (
            tuple(
                metric_text(metric, column, locale, None, full=whole)
                for column, metric in zip(tab.metrics, metrics, strict=True)
            )
            for whole in (False, True)
        )
        width = round(100 * count / counts[0]) if count and counts[0] else 0
        lines.append(Line(goal.display_name, goal.display_name, "", metrics, texts, full, None, width, True))
    return tuple(lines)
