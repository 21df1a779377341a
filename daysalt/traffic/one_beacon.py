"""
One real beacon to the running server, as a browser would send it: `daysalt seed --one`.
"""

from __future__ import annotations

import json
import sys

import httpx

from daysalt.own_address import as_running
from daysalt.traffic.fill import SeedError
from warehouse.settings import Settings

BEACON_SECONDS_MAX = 10.0

ORDINARY_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)


def send_one(settings: Settings, domain: str, *, as_json: bool) -> int:
    """
    Send a page view for a domain and print what came back.

    Returns:
        The exit code: 0 when it was accepted to be counted.

    Raises:
        SeedError: no server answers.
    """
    settings = as_running(settings)
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  # compared, not bound
    where = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    beacon = {"n": "pageview", "d": domain, "u": f"https://{domain}/", "r": "https://www.google.com/"}
    try:
        answer = httpx.post(
            f"{where}/api/event", json=beacon, headers={"user-agent": ORDINARY_AGENT}, timeout=BEACON_SECONDS_MAX
        )
    except httpx.HTTPError:
        raise SeedError(f"no server answered on {where}: start it with `daysalt serve`, or set DAYSALT_PORT") from None
    reason = answer.headers.get("x-daysalt-dropped", "")
    counted = answer.status_code == 202 and "x-plausible-dropped" not in answer.headers
    if as_json:
        print(json.dumps({"status": answer.status_code, "counted": counted, "dropped": reason}))
    elif counted:
        print(f"{answer.status_code}: one page view of https://{domain}/ was accepted")
    elif reason:
        print(f"{answer.status_code}: the page view was not counted, reason: {reason}", file=sys.stderr)
    else:
        print(f"{answer.status_code}: {answer.text[:200]}", file=sys.stderr)
    return 0 if counted else 1
