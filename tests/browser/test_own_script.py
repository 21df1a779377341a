"""
A site's own script on a running server: from its settings to the numbers.
"""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.browser.web import Web
from tests.clients.counted import Counted
from tests.server import SITE_DEADLINE_S, run_server
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_own_script_counts_what_its_site_chose(tmp_path: Path, page: Page, site: Web) -> None:
    """
    The tag knows its site and counts a link; switched off, running collectors serve another file within 5 seconds.
    """

    with run_server(tmp_path) as server:
        counts = Counted(server, "site.test")
        registry = Registry(f"sqlite:///{server.data_dir / 'registry.sqlite'}", SystemClock())
        try:
            number = next(one.id for one in registry.sites.all())
            path = f"/js/pa-{registry.tracker_scripts.of(number).script_id}.js"
            source = server.base_url.replace("127.0.0.1", "stats.test") + path
            site.pages["/"] = (
                f'<!doctype html><script defer src="{source}"></script><a href="https://other.test/?id=1">go</a>'
                "<script>onclick = () => false</script>"
            )
            page.goto(site.origin("site.test") + "/")
            page.click("text=go")
            counts.expect("event:name", {"pageview": 1, "Outbound Link: Click": 1})
            counts.expect("event:props:url", {"https://other.test/": 1, "(none)": 1})

            registry.tracker_scripts.change(number, outbound_links=False)
            ends = time.monotonic() + SITE_DEADLINE_S
            with httpx.Client(base_url=server.base_url, trust_env=False) as client:
                while b"outboundLinks:1" in client.get(path).content:
                    assert time.monotonic() < ends, f"the old script is served after {SITE_DEADLINE_S} s"
                    time.sleep(0.05)
                answers = [client.get(path, headers={"cookie": f"a={number}"}) for _ in range(2)]
                assert len({answer.headers["etag"] for answer in answers}) == 1
                assert all("set-cookie" not in answer.headers for answer in answers)
        finally:
            registry.close()
            counts.close()
