"""
The panel on traffic quality, against a stand-in of the risk windows.
"""

from __future__ import annotations

import re
from html import unescape as html_unescape

from dashboard.context import Context
from tests.pages.browsing import browser, signed_in, site_with_visits
from tests.pages.keeper import answering
from warehouse.data_dir import RISK_SOCKET
from warehouse.local_socket import Fields

WORDS = {"en": "Page after page is taken.", "sv": "Sida efter sida hämtas."}


def quality(small_cell: bool = False, **events: int | None) -> Fields:
    classes = [{"class": name, "events": count} for name, count in events.items()]
    reasons = [{"code": "FAN_PATHS", "addresses": 12, "text": WORDS}]
    return {"events": 1000, "classes": classes, "reasons": reasons, "small_cell": small_cell}


def test_owners_see_who_comes_and_why(context: Context) -> None:
    """
    Each class with hits and share, and the reasons in words; asked with the site's own k.
    """
    site = site_with_visits(context)
    owner = signed_in(context)
    answer = quality(likely_human=700, declared_bot=200, likely_automated=100, unclear=0)
    with answering(context.settings.data_dir / RISK_SOCKET, {"quality": answer}) as asked:
        html = owner.get("/site1.test").text

    panel = html.partition('id="traffic"')[2].partition("</section>")[0]
    expected = ("1,000 hits", "People, by how they read", "700", "70%", "Robots that say so", "20%", WORDS["en"], "12")
    assert [] == [words for words in expected if words not in panel]
    assert "Too little known" not in panel
    assert [("quality", {"site_id": site.id, "window": "24h", "k": site.k})] == asked


def test_what_is_withheld_is_said(context: Context) -> None:
    """
    A class of too few addresses is a dash.
    """
    site_with_visits(context)
    owner = signed_in(context)
    answer = quality(small_cell=True, likely_human=None, unclear=None)
    with answering(context.settings.data_dir / RISK_SOCKET, {"quality": answer}):
        panel = owner.get("/site1.test").text.partition('id="traffic"')[2].partition("</section>")[0]

    assert 2 == panel.count('<td class="count">–</td>') and "withheld (–)" in panel


def test_not_for_others_and_not_filtered(context: Context) -> None:
    """
    Strangers on a public site, filtered pages and sites with risk off do not ask.
    """
    site_with_visits(context)
    context.registry.sites.change("site1.test", public=True)
    owner = signed_in(context)
    filtered = html_unescape(re.findall(r'class="row-name" href="([^"]+)"', owner.get("/site1.test").text)[0])
    with answering(context.settings.data_dir / RISK_SOCKET, {"quality": quality(unclear=1000)}) as asked:
        pages = [browser(context).get("/site1.test").text, owner.get(filtered).text]
        context.registry.sites.change("site1.test", risk=False)
        pages.append(owner.get("/site1.test").text)

    assert ([], []) == ([html for html in pages if 'id="traffic"' in html], asked)


def test_nobody_answering_costs_the_panel_only(context: Context) -> None:
    """
    While the risk process is away the page is there without it.
    """
    site_with_visits(context)
    response = signed_in(context).get("/site1.test")

    assert (200, False) == (response.status_code, 'id="traffic"' in response.text)
