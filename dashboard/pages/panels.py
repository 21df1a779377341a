"""
The panels of a dashboard: their tabs, and what each tab asks for.
"""

from __future__ import annotations

from dataclasses import dataclass


def mark(message: str) -> str:
    """
    Mark a text for translation; the page translates it when it knows the reader.
    """
    return message


@dataclass(frozen=True, slots=True)
class Tab:
    """
    One tab.

    Attributes:
        dimension: the stats layer's name.
        filter_name: the short name in the address, used when a row is clicked.
        metrics: the columns, the first one drawn as a bar.
        shares: the share of all visitors is a column too.
        more: further columns where every row is shown.
    """

    title: str
    column: str
    dimension: str
    filter_name: str
    metrics: tuple[str, ...] = ("visitors",)
    shares: bool = True
    more: tuple[str, ...] = ()


_OF_VISITS = ("visits", "bounce_rate", "visit_duration")
_OF_ENDS = ("bounce_rate", "visit_duration")
_OF_PAGES = ("bounce_rate", "time_on_page", "scroll_depth")


@dataclass(frozen=True, slots=True)
class Panel:
    """
    One panel.
    """

    title: str
    tabs: dict[str, Tab]


PANELS: dict[str, Panel] = {
    "sources": Panel(
        mark("Sources"),
        {
            "channels": Tab(mark("Channels"), mark("Channel"), "visit:channel", "channel", more=_OF_VISITS),
            "sources": Tab(mark("Sources"), mark("Source"), "visit:source", "source", more=_OF_VISITS),
            "referrers": Tab(mark("Referrers"), mark("Referrer"), "visit:referrer", "referrer", more=_OF_VISITS),
            "campaigns": Tab(
                mark("Campaigns"), mark("Campaign"), "visit:utm_campaign", "utm_campaign", more=_OF_VISITS
            ),
            "utm_source": Tab("utm_source", "utm_source", "visit:utm_source", "utm_source", more=_OF_VISITS),
            "utm_medium": Tab("utm_medium", "utm_medium", "visit:utm_medium", "utm_medium", more=_OF_VISITS),
            "utm_content": Tab("utm_content", "utm_content", "visit:utm_content", "utm_content", more=_OF_VISITS),
            "utm_term": Tab("utm_term", "utm_term", "visit:utm_term", "utm_term", more=_OF_VISITS),
        },
    ),
    "pages": Panel(
        mark("Pages"),
        {
            "top": Tab(
                mark("Top pages"), mark("Page"), "event:page", "page", ("visitors", "pageviews"), more=_OF_PAGES
            ),
            "entry": Tab(
                mark("Entry"),
                mark("Entry page"),
                "visit:entry_page",
                "entry_page",
                ("visitors", "visits"),
                more=_OF_ENDS,
            ),
            "exit": Tab(
                mark("Exit"),
                mark("Exit page"),
                "visit:exit_page",
                "exit_page",
                ("visitors", "visits", "exit_rate"),
                more=_OF_ENDS,
            ),
            "hostnames": Tab(mark("Hosts"), mark("Hostname"), "event:hostname", "hostname", ("visitors", "pageviews")),
            "journeys": Tab(mark("Journeys"), mark("Page"), "", "page"),
        },
    ),
    "locations": Panel(
        mark("Locations"),
        {
            "map": Tab(mark("Map"), mark("Country"), "visit:country", "country", more=_OF_VISITS),
            "countries": Tab(mark("Countries"), mark("Country"), "visit:country", "country", more=_OF_VISITS),
            "regions": Tab(mark("Regions"), mark("Region"), "visit:region", "region", more=_OF_VISITS),
            "cities": Tab(mark("Cities"), mark("City"), "visit:city", "city", more=_OF_VISITS),
        },
    ),
    "devices": Panel(
        mark("Devices"),
        {
            "browsers": Tab(mark("Browsers"), mark("Browser"), "visit:browser", "browser", more=_OF_VISITS),
            "os": Tab(mark("Systems"), mark("Operating system"), "visit:os", "os", more=_OF_VISITS),
            "sizes": Tab(mark("Screens"), mark("Screen size"), "visit:device", "device", more=_OF_VISITS),
        },
    ),
    "goals": Panel(
        mark("Goals"),
        {
            "goals": Tab(
                mark("Goals"),
                mark("Goal"),
                "event:goal",
                "goal",
                ("visitors", "events", "conversion_rate"),
                shares=False,
            ),
            "events": Tab(mark("Events"), mark("Event"), "event:name", "event", ("visitors", "events")),
            "props": Tab(mark("Properties"), mark("Value"), "", "", ("visitors", "events")),
            "funnels": Tab(mark("Funnels"), mark("Step"), "", "goal", ("visitors", "step_rate", "funnel_rate"), False),
        },
    ),
}

VERSIONS: dict[str, Tab] = {
    "browsers": Tab(
        mark("Browsers"), mark("Browser version"), "visit:browser_version", "browser_version", more=_OF_VISITS
    ),
    "os": Tab(mark("Systems"), mark("System version"), "visit:os_version", "os_version", more=_OF_VISITS),
}
"""What a tab shows once one browser or one system is chosen."""

_TABS = [tab for panel in PANELS.values() for tab in panel.tabs.values() if tab.dimension] + list(VERSIONS.values())

FILTERS: dict[str, str] = {tab.filter_name: tab.dimension for tab in _TABS}
"""The stats layer's dimension by the short name in the address."""

FILTER_TITLES: dict[str, str] = {tab.filter_name: tab.column for tab in _TABS}

PROP_FILTER = "prop."
"""What the short name of a property begins with."""
