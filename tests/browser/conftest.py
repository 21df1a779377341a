"""
The system's Chromium as an ordinary desktop browser, on a web of its own where every `*.test` is this machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.web import Collector, Web
from tests.clients.fetched import browser_clients

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def start_chromium(playwright: Playwright, *, back_forward_cache: bool = False) -> Browser:
    """
    Start the system's Chromium, or the one Playwright has fetched.
    """
    arguments = [
        "--host-resolver-rules=MAP *.test 127.0.0.1, EXCLUDE localhost",
        # An ordinary browser does not say that it is driven; the tracker ignores one that does.
        "--disable-blink-features=AutomationControlled",
        "--disable-component-update",
    ]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return playwright.chromium.launch(
        executable_path=next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None),
        args=arguments,
        ignore_default_args=["--disable-back-forward-cache"] if back_forward_cache else None,
    )


def ordinary_user_agent(browser: Browser) -> str:
    """
    Name the browser as its desktop twin does, without "Headless".
    """
    major = browser.version.split(".")[0]
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"


# Not for the whole session: while it runs, its thread has an event loop, and no other test could start one.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = start_chromium(playwright)
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """
    The script of axe-core.
    """
    return (browser_clients() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """
    A browser nobody has used before.
    """
    fresh = browser.new_context(user_agent=ordinary_user_agent(browser), locale="en-GB")
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def site() -> Iterator[Web]:
    """
    The visited web site, and any other: the host name is free.
    """
    with Web() as web:
        yield web


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started
