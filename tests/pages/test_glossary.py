"""
The glossary, the live view, the graph's file and the keys.
"""

from __future__ import annotations

import re

from dashboard.context import Context
from dashboard.pages.days import SHORTCUTS
from dashboard.pages.glossary import KEYS
from dashboard.pages.headline import METRIC_TITLES
from tests.pages.browsing import browser, signed_in, site_with_visits
from tests.pages.test_reports import shop
from tests.stats.rows import Happening, insert, moment


def test_glossary(context: Context) -> None:
    """
    Every metric is explained, to everybody, in both languages.
    """
    html = browser(context).get("/glossary").text
    swedish = browser(context, language="sv").get("/glossary").text

    assert set(METRIC_TITLES) <= set(re.findall(r'<h2 id="([a-z_]+)"', html))
    assert "Whoever comes back the next day is a new visitor" in html
    assert "Den som kommer tillbaka nästa dag är en ny besökare" in swedish


def test_keys_are_listed(context: Context) -> None:
    """
    Every key of a dashboard is in the glossary, and no other.
    """
    site_with_visits(context)
    found = set(re.findall(r'data-key="(.)"', signed_in(context).get("/site1.test").text))

    assert {key.lower() for key, _ in KEYS} - {"esc"} == found
    assert set(SHORTCUTS.values()) <= found


def test_live(context: Context) -> None:
    """
    The last half hour by the minute, for signed-in people; the public gets the whole day instead.
    """
    site = context.registry.sites.add("site1.test")
    context.registry.sites.change("site1.test", public=True)
    happenings = [Happening(moment("2026-11-22T11:20:00"), "a"), Happening(moment("2026-11-22T09:00:00"), "b")]
    insert(context.warehouse, site.id, happenings)
    live = signed_in(context).get("/site1.test?period=live").text
    public = browser(context).get("/site1.test?period=live").text

    assert 'class="total-value">1<' in live
    assert "data-live" in live
    assert 'class="total-value">2<' in public
    assert "data-live" not in public


def test_graph_as_file(context: Context) -> None:
    """
    The graph's CSV has every metric; those that do not go with the filters are left out.
    """
    shop(context)
    client = signed_in(context)
    lines = client.get("/shop.test?period=month&format=csv").text.split("\r\n")
    filtered = client.get("/shop.test?period=month&f=page:/&format=csv").text.split("\r\n")

    assert "time:day,visitors,visits,pageviews,views_per_visit,bounce_rate,visit_duration,events" == lines[0]
    assert lines[-2].startswith("2026-11-22,10,10,15,")
    expected = "time:day,visitors,visits,pageviews,bounce_rate,visit_duration,events,scroll_depth,time_on_page"
    assert expected == filtered[0]
