"""
How soon a reader sees a dashboard: the page as a browser paints it, from a server of this process.

It needs Playwright and Chromium, as the tests do (`make dev`).
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from dashboard.app import build_app
from dashboard.context import Context
from dashboard.stats.memory import Memory
from warehouse.registry.users import User

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
NICE = 19
"""Of the process that answers pages (`daysalt/store.py`)."""
OPENINGS = 5
WAIT_SECONDS_MAX = 30
READER = "reader@bench.test"
_MEDIANS = ("painted", "graph", "panels", "begun", "whole", "html")
_FIGURES = """
() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const page = performance.getEntriesByType("navigation")[0];
  const all = [page, ...performance.getEntriesByType("resource")];
  return {
    painted: paint ? paint.startTime : -1, begun: page.responseStart, whole: page.responseEnd, ...window.seen,
    bytes: all.reduce((sum, one) => sum + one.transferSize, 0), html: page.encodedBodySize,
    foreign: all.filter((one) => new URL(one.name).origin !== location.origin).length, shift: window.shifted,
  };
}
"""
_SEEN = {"graph": "[data-graph] .series", "panels": "#panel-pages"}
"""What a reader waits for, and by what it is told: at the first frame in which it is there."""
_WATCH = """
window.shifted = 0;
window.seen = {};
const wanted = Object.entries(SEEN);
(function look() {
  for (const [name, where] of wanted) {
    if (!(name in seen) && document.querySelector(where)) seen[name] = performance.now();
  }
  if (Object.keys(seen).length < wanted.length) requestAnimationFrame(look);
})();
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({ type: "layout-shift", buffered: true });
""".replace("SEEN", json.dumps(_SEEN))


def paint(context: Context, domain: str, periods: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """
    Open a site's dashboard some times for each period, signed in, in a browser that has its files, with nothing
    remembered of the answers.

    Returns:
        By period: medians of milliseconds from the click to the first contentful paint, to the frame with the graph, to
        the one with the panels of the top row, to the first byte and to the last byte of the page; the layout's shift
        at most; bytes of the page, and of a first visit with all files.

    Raises:
        ImportError: there is no Playwright here.
    """
    from playwright.sync_api import sync_playwright

    token = context.registry.sign_ins.start(_reader(context).id)
    found: dict[str, dict[str, float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for period in periods:
            with _serving(context) as (address, forget):
                found[period] = _opened(browser, f"{address}/{domain}?period={period}", token, forget)
        browser.close()
    return found


def _reader(context: Context) -> User:
    found = [user for user in context.registry.users.all() if user.email == READER]
    return found[0] if found else context.registry.users.add(READER, "viewer")[0]


def _opened(browser: Browser, address: str, token: str, forget: Callable[[], None]) -> dict[str, float]:
    signed_in = browser.new_context(viewport={"width": 1400, "height": 900})
    signed_in.add_cookies([{"name": "daysalt", "value": token, "url": address}])
    page = signed_in.new_page()
    page.add_init_script(_WATCH)
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
    middle = {name: statistics.median(one[name] for one in taken) for name in _MEDIANS}
    return {
        "first paint ms": round(middle["painted"]),
        "graph ms": round(middle["graph"]),
        "top panels ms": round(middle["panels"]),
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
        _step_back()
        yield f"http://127.0.0.1:{port}", here.memory.forget_answers
    finally:
        server.should_exit = True
        thread.join(WAIT_SECONDS_MAX)


def _step_back() -> None:
    # As in a server, where whatever answers pages has the lowest priority; the browser is this machine's, too. New
    # threads of these have theirs.
    for thread in Path("/proc/self/task").iterdir():
        if int(thread.name) != os.getpid():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), NICE)
