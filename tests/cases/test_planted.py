"""
What must never be written, planted in every field of beacons to a running server, and looked for in every file after.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.files import content_of, files_of
from tests.server import Server, run_server
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent.parent
ADDRESSES = ("203.0.113.77", "2001:db8:aaaa:bbbb::1234")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; canary7f3a) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"
SECRETS = (
    "canary.person@example.com", "8112189876", "811218-9876", "0701234567", "4111111111111111",
    "550e8400-e29b-41d4-a716-446655440000", "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.c2lnbmF0dXJlMTIzNDU2",
)  # fmt: skip
# Every value of every table as text: the store's own files are compressed.
DUMP = """
import sys
from warehouse.client import Warehouse
warehouse = Warehouse(sys.argv[1])
for table, in warehouse.query("SELECT name FROM system.tables WHERE database = currentDatabase()"):
    for row in warehouse.query(f"SELECT * FROM `{table}`"):
        print(table, *row)
warehouse.close()
"""


def beacons(secret: str) -> list[dict[str, object]]:
    """
    Put a secret in every field, plain and percent-encoded.
    """
    made: list[dict[str, object]] = []
    for put in (secret, quote(secret, safe=""), quote(quote(secret, safe=""), safe="")):
        page = f"https://site1.test/{put}/x?q={put}&utm_source={put}&utm_content={put}&gclid={put}#{put}"
        bodies: list[dict[str, object]] = [
            {"n": "pageview", "u": page, "d": "site1.test", "r": f"https://other.test/{put}?{put}"},
            {"n": f"Sent to {put}", "u": page, "d": "site1.test", "h": 1, "p": {"value": put, put: "key"}},
            {"n": "404", "u": page, "d": "site1.test", "m": json.dumps({"text": f"a {put} b"})},
            {"n": "pageview", "u": page, "d": f"site1.test,{put}"},
            {"n": ["list", put], "u": page, "d": "site1.test"},
        ]
        made += bodies
    return made


def needles() -> list[bytes]:
    texts = [AGENT, "canary7f3a", *SECRETS, *(quote(secret, safe="") for secret in SECRETS)]
    found = [text.encode() for text in texts]
    for text in ADDRESSES:
        packed = ip_address(text).packed
        found += [text.encode(), packed.hex().encode(), base64.b64encode(packed).rstrip(b"=")]
    return found


def send(server: Server) -> None:
    with httpx.Client(base_url=server.base_url, trust_env=False) as client:
        for address in ADDRESSES:
            headers = {"User-Agent": AGENT, "X-Forwarded-For": address}
            for secret in SECRETS:
                for body in beacons(secret):
                    assert client.post("/api/event", json=body, headers=headers).status_code in (202, 400)
            key = {"Authorization": f"Bearer {server.admin_key}"}
            body = {"n": "pageview", "u": f"https://site1.test/{SECRETS[0]}", "d": "site1.test"}
            assert 200 == client.post("/api/debug/event", json=body, headers={**headers, **key}).status_code
            batch = [{**body, "ip": address, "user_agent": AGENT, "event_id": SECRETS[0]}, {"n": SECRETS[0]}]
            assert 202 == client.post("/api/events", json=batch, headers=key).status_code


def test_nothing_planted_is_in_any_file(tmp_path: Path) -> None:
    """
    No file of the data directory, the keys or the log has an address, a user agent or a secret in it, before the
    drain has taken the spool or after.
    """
    with run_server(tmp_path, log_level="debug") as server:
        registry = Registry(f"sqlite:///{server.data_dir / 'registry.sqlite'}", SystemClock())
        registry.sites.add("site1.test", k=1)
        registry.close()
        server.await_site("site1.test")
        send(server)
        before = [content_of(path) for path in files_of(server.data_dir / "spool")]
        assert 0 == server.stop()
    dumped = subprocess.run(
        [sys.executable, "-c", DUMP, f"chdb://{server.data_dir / 'warehouse'}"],
        cwd=ROOT, capture_output=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    assert dumped.count(b"[email]") > 10
    files = {path: path.read_bytes() for path in files_of(tmp_path)}
    for needle in needles():
        assert needle not in dumped, "in the store"
        assert not any(needle in content for content in before), "in the spool"
        assert [] == [path.name for path, content in files.items() if needle in content]
