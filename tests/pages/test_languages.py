"""
Languages: chosen well, complete, and carried on without a cookie.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from dashboard.context import Context
from dashboard.pages.languages import chosen_language
from tests.pages.browsing import browser, signed_in, site_with_visits

DASHBOARD = Path(__file__).parent.parent.parent / "dashboard"


def test_nothing_is_untranslated() -> None:
    """
    Every text of templates and pages has a Swedish one.
    """
    methods = [("templates/**.html", "jinja2.ext:babel_extract"), ("pages/**.py", "python")]
    options = {"templates/**.html": {"silent": "false"}}
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
    found = {
        message if isinstance(message, str) else message[0]
        for _, _, message, _, _ in extract_from_dir(
            DASHBOARD, method_map=methods, options_map=options, keywords=keywords
        )
    }
    catalog = read_po(BytesIO((DASHBOARD / "translations/sv/LC_MESSAGES/messages.po").read_bytes()), locale="sv")
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in catalog if message.string}

    same_everywhere = {text for text in found if text.startswith("utm_")}
    assert len(found) > 100
    assert set() == found - known - same_everywhere


@pytest.mark.parametrize(
    ("wanted", "header", "expected"),
    [
        (None, "", "en"), (None, "sv", "sv"), (None, "sv-SE,sv;q=0.9,en;q=0.8", "sv"), (None, "de,fr", "en"),
        (None, "en;q=0.5,sv;q=0.9", "sv"), (None, "sv;q=0,en", "en"), (None, ";;;q=x", "en"), ("sv", "en", "sv"),
        ("xx", "sv", "sv"),
    ],
)  # fmt: skip
def test_choice(wanted: str | None, header: str, expected: str) -> None:
    """
    The address decides, then the browser, then English.
    """
    assert expected == chosen_language(wanted, header)


def test_swedish_page(context: Context) -> None:
    """
    Texts, numbers, days and countries are Swedish together.
    """
    site_with_visits(context)
    html = signed_in(context, language="sv-SE").get("/site1.test").text

    assert '<html lang="sv"' in html
    assert all(text in html for text in ("Besökare", "Sidvisningar", "Sverige", "söndag 22 november 2026", "2,0"))


def test_language_without_a_cookie(context: Context) -> None:
    """
    A public page in another language keeps it in its links.
    """
    site_with_visits(context)
    context.registry.sites.change("site1.test", public=True)
    html = browser(context).get("/site1.test?lang=sv").text
    links = re.findall(r'href="(/site1\.test\?[^"]*)"', html)

    assert "Besökare" in html
    assert links and all("lang=sv" in link for link in links)


def test_language_of_somebody_signed_in(context: Context) -> None:
    """
    The switch in the footer is remembered for signed-in people.
    """
    client = signed_in(context)
    client.get("/?lang=sv&theme=dark")
    html = client.get("/").text

    assert "Dina webbplatser" in html and 'data-theme="dark"' in html
