"""
Attacks 1 and 23: looking for raw addresses and for personal data of URLs in everything a real server leaves behind.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.attacks.scan import traces
from tests.files import files_of
from tests.ingest.collectors import CHROME
from tests.processes.family import children_of, kill, until
from tests.processes.load import DOMAIN
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

V4, V6 = "203.0.113.77", "2001:db8:aaaa:bbbb::1234"
BEACONS = 1000


def everything_stored(server: Server, more: int) -> None:
    """
    Wait until the store has so many events more than nothing, and the vault its hits.
    """
    until(
        lambda: (
            server.metric("daysalt_events_flushed_total") >= more and server.metric("daysalt_drain_lag_seconds") < 1
        ),
        "not everything was stored",
    )


def test_01_no_raw_address_anywhere(server: Server, tmp_path: Path) -> None:
    """
    After 1,000 beacons of two addresses at log level debug, and a collector killed: none of the two in any file, in
    any column of any table (which lie compressed in files), in what the server printed, in its metrics or an error
    page, in any form. The control, an access log as a server with
    such logs writes it, is found by the same search.
    """
    flushed = server.metric("daysalt_events_flushed_total")
    pages: list[str] = []
    address = {"x-forwarded-for": V6}
    with httpx.Client(trust_env=False, headers={"user-agent": CHROME}, base_url=server.base_url) as client:
        for number in range(BEACONS):
            body = json.dumps({"n": "pageview", "d": DOMAIN, "u": f"https://{DOMAIN}/p{number % 50}"})
            address = {"x-forwarded-for": V6 if number % 2 else V4}
            assert 202 == client.post("/api/event", content=body, headers=address).status_code
        for path in ("/api/event", "/nothing-here", "/privacy/nobody.test", "/api/v2/query", "/login"):
            for broken in (client.get(path, headers=address), client.post(path, content=b"{", headers=address)):
                pages.append(broken.text)
        pages.append(client.get("/metrics", headers=address).text)
    everything_stored(server, round(flushed) + BEACONS)
    until(lambda: server.metric("daysalt_vault_hits_total") >= BEACONS, "the hits are not in the vault")
    for pid in children_of(server.process.pid, "collector"):
        kill(pid)
    server.await_site(DOMAIN)
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "pages").write_text("\n".join(pages))
    shutil.copy2(server.output, shown / "printed")
    found = [traces(folder, [V4, V6]) for folder in (shown, server.data_dir, _keys(server))]
    columns = _searched(server, [V4, V6])
    (shown / "access.log").write_text(f'{V4} - - [29/Nov/2026] "POST /api/event" 202\n{V6} - - "POST /api/event" 202\n')

    assert [[], [], []] == found
    assert [] == columns
    assert {"access.log"} == {line.partition(":")[0] for line in traces(shown, [V4, V6])}


def _keys(server: Server) -> Path:
    return server.data_dir.with_name(server.data_dir.name + "-keys")


def _searched(server: Server, addresses: list[str]) -> list[str]:
    """
    Let `daysalt doctor` look through the columns of all tables; it finds what lies there, see `test_doctor_addresses`.
    """
    looked = subprocess.run(
        [sys.executable, "-m", "daysalt", "doctor", "--addresses", "-", "--json", "--data-dir", str(server.data_dir)],
        input="\n".join(addresses), capture_output=True, text=True, env={**os.environ, "DAYSALT_FETCH_LISTS": "0"},
    )  # fmt: skip
    found = [check for check in json.loads(looked.stdout) if check["name"] == "addresses"]
    assert found, looked.stderr
    return [check["finding"] for check in found if check["state"] == "unwell"]


PERSONAL = {
    "e-mail": "anna.svensson@example.com",
    "phone": "0701234567",
    "personnummer": "8112189876",
    "card": "4111111111111111",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}
VISIBLE = "zanzibar-of-the-control"


def test_23_personal_data_of_urls_is_not_kept(server: Server, tmp_path: Path) -> None:
    """
    E-mail, phone, personal number, card and token in path, query, fragment, referrer, event, property and their names,
    plain and encoded once and twice: in no answer of the stats, no file outside the store, no line that was printed.
    The control, an ordinary word at the same places, is in the answers.
    """
    flushed = server.metric("daysalt_events_flushed_total")
    sent = 0
    with httpx.Client(trust_env=False, headers={"user-agent": CHROME}, base_url=server.base_url) as client:
        for secret in (*PERSONAL.values(), VISIBLE):
            for put in (secret, quote(secret), quote(quote(secret))):
                site = f"https://{DOMAIN}"
                for body in (
                    {"n": "pageview", "u": f"{site}/x/{put}"},
                    {"n": "pageview", "u": f"{site}/q?mail={put}&utm_campaign={put}#/{put}", "h": 1},
                    {"n": "pageview", "u": f"{site}/r", "r": f"https://other.test/{put}?q={put}"},
                    {"n": "Signup", "u": f"{site}/s", "p": {"who": put}},
                    {"n": f"Event {put}", "u": f"{site}/s"},
                ):
                    answer = client.post("/api/event", content=json.dumps({"d": DOMAIN, **body}))
                    assert 202 == answer.status_code
                    sent += not answer.headers.get("x-plausible-dropped")
        everything_stored(server, round(flushed) + sent)
        answers = "".join(_listed(client, server, dimension) for dimension in DIMENSIONS)
    printed = tmp_path / "printed"
    shutil.copy2(server.output, printed)
    files = [printed, *(path for path in files_of(server.data_dir) if "warehouse" not in path.parts)]
    kept = {
        kind
        for kind, secret in PERSONAL.items()
        if secret in answers or any(secret.encode() in path.read_bytes() for path in files)
    }

    assert set() == kept
    assert VISIBLE in answers


DIMENSIONS = (
    "event:page", "event:name", "event:goal", "visit:entry_page", "visit:exit_page", "visit:referrer", "visit:source",
    "visit:utm_campaign", "event:props:who", "event:hostname",
)  # fmt: skip


def _listed(client: httpx.Client, server: Server, dimension: str) -> str:
    answer = client.post(
        "/api/v2/query",
        headers={"authorization": f"Bearer {server.admin_key}"},
        json={
            "site_id": DOMAIN, "metrics": ["visitors"], "date_range": "day", "dimensions": [dimension],
            "pagination": {"limit": 10_000},
        },
    )  # fmt: skip
    assert answer.is_success, answer.text
    return answer.text
