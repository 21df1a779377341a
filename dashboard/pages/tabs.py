"""
The open tab of a panel, fitted to the site and to what is filtered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dashboard.context import Context
from dashboard.pages.filters import prop_filter
from dashboard.pages.panels import PANELS, VERSIONS, Tab
from dashboard.pages.row_lines import GROUP_RATE
from dashboard.pages.view import View
from dashboard.stats.dimensions import PROPS_PREFIX
from dashboard.stats.goals import goals_in_play
from dashboard.stats.period import Period
from dashboard.stats.property_keys import property_keys
from dashboard.stats.query import Viewer
from warehouse.registry.sites import Site


@dataclass(frozen=True, slots=True)
class OpenTab:
    """
    One open tab.

    Attributes:
        props: the properties or funnels to choose from; only where the tab is about them.
        prop: the chosen one.
    """

    key: str
    tab: Tab
    props: tuple[str, ...] = ()
    prop: str = ""

    @property
    def can_ask(self) -> bool:
        """
        Whether there is a question: a site without properties has none about them.
        """
        return bool(self.tab.dimension)


def open_tab(context: Context, site: Site, view: View, period: Period, viewer: Viewer, panel: str) -> OpenTab:
    """
    Find a panel's open tab.

    Raises:
        QueryTimeout: the properties took too long to find.
    """
    key = view.tab_of(panel)
    tab = PANELS[panel].tabs[key]
    if panel == "devices" and key in VERSIONS and view.filtered_by("browser" if key == "browsers" else "os"):
        tab = VERSIONS[key]
    if panel != "goals":
        return OpenTab(key, _fitted(tab, view))
    if key == "props":
        return _properties(context, site, view, period, viewer, tab)
    if key == "funnels":
        names = tuple(funnel.name for funnel in context.registry.funnels.all(site.id))
        return OpenTab(key, tab, names, view.prop if view.prop in names else next(iter(names), ""))
    goals = context.registry.goals.all(site.id)
    if not goals and "goals" not in dict(view.tabs):
        # Events come by themselves; goals must be thought of first.
        return OpenTab("events", PANELS[panel].tabs["events"])
    paid = any(goal.currency for goal in goals_in_play(goals, view.conditions(), by_goal=True))
    if key == "goals" and paid:
        more = ("total_revenue", "average_revenue") if view.details else ("total_revenue",)
        tab = replace(tab, metrics=(*tab.metrics, *more))
    return OpenTab(key, tab)


def _fitted(tab: Tab, view: View) -> Tab:
    """
    Show how many of each row's visitors reached a chosen goal, and where every row is shown, all there is to say.
    """
    if view.filtered_by("goal"):
        return replace(tab, metrics=("visitors", "events", GROUP_RATE) if view.details else ("visitors", GROUP_RATE))
    return replace(tab, metrics=(*tab.metrics, *tab.more)) if view.details else tab


def _properties(context: Context, site: Site, view: View, period: Period, viewer: Viewer, tab: Tab) -> OpenTab:
    props = context.registry.properties.all(site.id)
    if not props and viewer is Viewer.MEMBER:
        # The public sees only what the site's people have named.
        props = property_keys(context, site, period)
    prop = view.prop if view.prop in props else next(iter(props), "")
    if not prop:
        return OpenTab("props", tab)
    metrics = (*tab.metrics, "conversion_rate") if view.filtered_by("goal") else tab.metrics
    tab = replace(tab, dimension=PROPS_PREFIX + prop, filter_name=prop_filter(prop), metrics=metrics)
    return OpenTab("props", tab, tuple(props), prop)
