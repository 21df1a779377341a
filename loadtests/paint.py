"""
How soon a reader sees a dashboard: the page as a browser paints it, from a server of this process.

It needs Playwright and Chromium, as the tests do (`make dev`).
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn

from dashboard.app import build_app
from dashboard.context import Context
from dashboard.stats.memory import Memory

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
OPENINGS = 5
WAIT_SECONDS_MAX = 30
_FIGURES = """
() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const page = performance.getEntriesByType("navigation")[0];
  const all = [page, ...performance.getEntriesByType("resource")];
  return {
    painted: paint ? paint.startTime : -1, begun: page.responseStart, whole: page.responseEnd,
    bytes: all.reduce((sum, one) => sum + one.transferSize, 0), html: page.encodedBodySize,
    foreign: all.filter((one) => new URL(one.name).origin !== location.origin).length, shift: window.shifted,
  };
}
"""
_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def paint(context: Context, domain: str, periods: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """
    Open a site's dashboard some times for each period, in a browser that has its files, with nothing remembered of the
    answers.

    Returns:
        By period: medians of milliseconds from the click to the first contentful paint, to the first byte and to the
        last byte of the page; the layout's shift at most; bytes of the page, and of a first visit with all files.

    Raises:
        ImportError: there is no Playwright here.
    """
    from playwright.sync_api import sync_playwright

    site = context.registry.sites.find(domain)
    assert site is not None
    context.registry.sites.change(domain, public=True)
    found: dict[str, dict[str, float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for period in periods:
            with _serving(context) as (address, forget):
                found[period] = _opened(browser, f"{address}/{domain}?period={period}", forget)
        browser.close()
    return found


def _opened(browser: Browser, address: str, forget: Callable[[], None]) -> dict[str, float]:
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.add_init_script(_SHIFTS)
    page.goto(address, wait_until="load")
    first: dict[str, float] = page.evaluate(_FIGURES)
    taken: list[dict[str, float]] = []
    for _ in range(OPENINGS):
        forget()
        page.goto("about:blank")
        page.goto(address, wait_until="load")
        page.wait_for_timeout(200)
        taken.append(page.evaluate(_FIGURES))
    page.context.close()
    middle = {name: statistics.median(one[name] for one in taken) for name in ("painted", "begun", "whole", "html")}
    return {
        "first paint ms": round(middle["painted"]),
        "first byte ms": round(middle["begun"]),
        "last byte ms": round(middle["whole"]),
        "shift": round(max(one["shift"] for one in taken), 4),
        "page bytes": middle["html"],
        "first visit bytes": first["bytes"],
        "foreign requests": first["foreign"],
    }


@contextmanager
def _serving(context: Context) -> Generator[tuple[str, Callable[[], None]], None, None]:
    here = replace(context, memory=Memory())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(build_app(here), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}", here.memory.forget
    finally:
        server.should_exit = True
        thread.join(WAIT_SECONDS_MAX)
