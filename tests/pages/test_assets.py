"""
Static files: named by content, kept for ever, small, and with their licences.
"""

from __future__ import annotations

import re
from urllib.robotparser import RobotFileParser

from dashboard.context import Context
from dashboard.pages.assets import STATIC_DIR, assets
from tests.pages.browsing import browser, signed_in
from tests.pages.test_reports import shop

GZIP_BYTES_MAX = 60 * 1024
PAGE_BYTES_MAX = 150_000


def test_names_and_headers(context: Context) -> None:
    """
    A file is served under its hash for a year, compressed for those who can, and never under another hash.
    """
    name = assets()["app.css"].name
    response = browser(context).get(f"/static/{name}")

    assert re.fullmatch(r"app\.[0-9a-f]{12}\.css", name)
    assert "public, max-age=31536000, immutable" == response.headers["cache-control"]
    assert (STATIC_DIR / "app.css").read_text() == response.text
    assert 404 == browser(context).get("/static/app.000000000000.css").status_code


def test_what_programs_ask_for_by_themselves(context: Context) -> None:
    """
    An icon for those who look for one, a word to search engines, and no well-known file that there is not: none of it
    leads to the sign-in page.
    """
    icon = browser(context).get("/favicon.ico")
    robots = browser(context).get("/robots.txt")
    rules = RobotFileParser()
    rules.parse(robots.text.splitlines())

    assert 404 == browser(context).get("/.well-known/security.txt").status_code
    assert (200, "image/vnd.microsoft.icon") == (icon.status_code, icon.headers["content-type"])
    assert b"\x00\x00\x01\x00" == icon.content[:4]
    assert (200, "text/plain; charset=utf-8") == (robots.status_code, robots.headers["content-type"])
    assert [False, False, True] == [
        rules.can_fetch("Bot", f"https://stats.test{path}") for path in ("/", "/share/x", "/js/script.js")
    ]


def test_weight() -> None:
    """
    All scripts and styles together stay under 60 KiB on the wire.
    """
    sizes = {name: len(asset.packed) for name, asset in assets().items() if name.endswith((".js", ".css"))}

    assert {"app.js", "app.css", "vendor/htmx.js", "vendor/uplot.js", "vendor/uplot.css"} == set(sizes)
    assert sum(sizes.values()) < GZIP_BYTES_MAX


def test_weight_of_a_dashboard(context: Context) -> None:
    """
    A dashboard with everything on it, its page as sent and all its files, stays under 150 KB.
    """
    shop(context)
    html = signed_in(context).get("/shop.test?pages=journeys").text
    files = {plain: len(asset.packed) for plain, asset in assets().items() if f"/static/{asset.name}" in html}

    assert {"world.svg", "app.js", "app.css", "vendor/uplot.js"} <= set(files)
    assert len(html.encode()) + sum(files.values()) < PAGE_BYTES_MAX


def test_licences() -> None:
    """
    Every vendored part has its licence beside it.
    """
    for part in ("htmx", "uplot", "world-atlas"):
        assert (STATIC_DIR / "vendor" / f"{part}.LICENSE.txt").stat().st_size > 100


def test_colours_exist() -> None:
    """
    Every variable the styles use is set, in light and in dark alike.
    """
    css = (STATIC_DIR / "app.css").read_text()
    blocks = [set(re.findall(r"(--[\w-]+):", block)) for block in re.findall(r":root[^{]*\{([^}]*)\}", css)[:3]]
    unchanged = {"--radius", "--radius-small", "--gap", "--font", "--mono"}

    assert set(re.findall(r"var\((--[\w-]+)\)", css)) <= blocks[0]
    assert blocks[0] - unchanged == blocks[1] == blocks[2]
