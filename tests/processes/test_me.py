"""
`/privacy/{domain}/me` on the real server: whoever connects sees the days their address was kept, and erases them.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.processes.family import until
from tests.processes.test_vault import add_site, hits, send
from tests.server import run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

MINE, OTHER = "203.0.113.77", "198.51.100.201"


def token_in(page: httpx.Response) -> str:
    """
    Find the token that the page's forms send; it serves once.
    """
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def test_my_address_is_shown_and_erased_by_me_alone(tmp_path: Path) -> None:
    """
    Only the connecting address is told of and erased; another one's days stay.
    """
    with run_server(tmp_path) as server:
        add_site(server, tmp_path, "site1.test")
        send(server, "site1.test", MINE, count=2)
        send(server, "site1.test", OTHER)
        until(lambda: (hits(tmp_path, MINE), hits(tmp_path, OTHER)) == (2, 1), "the hits are not in the vault")
        page = f"{server.base_url}/privacy/site1.test/me"
        mine = {"x-forwarded-for": MINE}
        with httpx.Client(trust_env=False, headers={"accept-language": "en"}) as client:
            before = client.get(page, headers=mine)
            stranger = client.get(page, headers={"x-forwarded-for": "192.0.2.55"})
            theirs = {"action": "erase", "token": token_in(before)}
            stolen = client.post(page, headers={"x-forwarded-for": OTHER}, data=theirs)
            assert (2, 1) == (hits(tmp_path, MINE), hits(tmp_path, OTHER))
            again = client.get(page, headers=mine)
            erased = client.post(page, headers=mine, data={"action": "erase", "token": token_in(again)})
            after = client.get(page, headers=mine)

        assert "Done. The encrypted" in erased.text, erased.text
        assert [200] * 5 == [answer.status_code for answer in (before, stranger, stolen, erased, after)]
        days = re.compile(r"\b20\d\d-\d\d-\d\d\b")
        assert (True, False, False) == tuple(bool(days.search(answer.text)) for answer in (before, stranger, after))
        assert (0, 1) == (hits(tmp_path, MINE), hits(tmp_path, OTHER))
