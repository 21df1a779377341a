"""
`/privacy/{domain}/me` on the real server: whoever connects sees the days their address was kept, and erases them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.processes.family import until
from tests.processes.test_vault import add_site, command, hits, send
from tests.server import Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

MINE, OTHER, LAST = "203.0.113.77", "198.51.100.201", "198.51.100.202"


def token_in(page: httpx.Response) -> str:
    """
    Find the token that the page's forms send; it serves once.
    """
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def test_my_address_is_shown_and_erased_by_me_alone(tmp_path: Path) -> None:
    """
    Only the connecting address is told of and erased, in the vault and in the risk windows; another one's days stay.
    What is counted stays counted, and hits that were on their way to the vault do not come after.
    """
    with run_server(tmp_path) as server:
        add_site(server, tmp_path, "site1.test")
        send(server, "site1.test", MINE, count=2)
        send(server, "site1.test", OTHER)
        # Mine, the other one, and the canary.
        until(lambda: server.metric("daysalt_vault_rows_flushed_total") >= 3, "the hits are not in the vault")
        page = f"{server.base_url}/privacy/site1.test/me"
        mine = {"x-forwarded-for": MINE}
        with httpx.Client(trust_env=False, headers={"accept-language": "en"}) as client:
            before = client.get(page, headers=mine)
            stranger = client.get(page, headers={"x-forwarded-for": "192.0.2.55"})
            theirs = {"action": "erase", "token": token_in(before)}
            stolen = client.post(page, headers={"x-forwarded-for": OTHER}, data=theirs)
            counted, checked = figures(client, server), assessed(tmp_path, MINE)
            send(server, "site1.test", MINE)
            send(server, "site1.test", LAST)
            until(lambda: figures(client, server) == (3, 5), "the last page views are not counted")
            again = client.get(page, headers=mine)
            erased = client.post(page, headers=mine, data={"action": "erase", "token": token_in(again)})
            after, still = client.get(page, headers=mine), figures(client, server)
            unknown, others = assessed(tmp_path, MINE), client.get(page, headers={"x-forwarded-for": OTHER})
        # Which writes what the collector saw before the erasure and has not written yet.
        assert 0 == server.stop()

        assert "Done. The encrypted" in erased.text, erased.text
        assert [200] * 5 == [answer.status_code for answer in (before, stranger, stolen, erased, after)]
        days = re.compile(r"\b20\d\d-\d\d-\d\d\b")
        assert [True, True, True] == [bool(days.search(answer.text)) for answer in (before, again, others)]
        assert [False, False] == [bool(days.search(answer.text)) for answer in (stranger, after)]
        assert (0, 1) == (hits(tmp_path, MINE), hits(tmp_path, LAST))
        assert ((2, 3), (3, 5)) == (counted, still)
        assert (2, 0) == (checked, unknown)


def figures(client: httpx.Client, server: Server) -> tuple[int, int]:
    """
    Tell visitors and page views of today.
    """
    answer = client.post(
        f"{server.base_url}/api/v2/query",
        headers={"authorization": f"Bearer {server.admin_key}"},
        json={"site_id": "site1.test", "metrics": ["visitors", "pageviews"], "date_range": "day"},
    )
    visitors, pageviews = answer.json()["results"][0]["metrics"]
    return visitors, pageviews


def assessed(tmp_path: Path, address: str) -> int:
    """
    Tell how many hits of today the risk windows know of an address.
    """
    checked = command(tmp_path, "risk", "check", address, "--json")
    assert 0 == checked.returncode, checked.stderr
    return int(json.loads(checked.stdout)["evidence"]["events_24h"])
