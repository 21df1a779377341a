"""
A program that tells of its own use with `plausible-events`: its arguments are the address of Daysalt and the site.
"""

# What it imports is fetched when the tests run and has no types.
# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace
from typing import Any

import plausible_events
import requests

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0"
DEADLINE_SECONDS = 20

address, domain = sys.argv[1:]
statuses: list[int] = []
send = requests.post


def post(*arguments: Any, **named: Any) -> requests.Response:
    answer = send(*arguments, **named)
    statuses.append(answer.status_code)
    return answer


# The package asks a service on the internet for this machine's public address; here it is told one.
requests.get = lambda url: SimpleNamespace(text="81.2.69.160", raise_for_status=lambda: None)
requests.post = post

told = plausible_events.PlausibleEvents(domain, {"User-Agent": FIREFOX}, api=f"{address}/api/event")
told.worker.daemon = True
told.pageview("/start", utm={"source": "mail", "campaign": "spring"})
told.event("export", {"format": "csv", "rows": 3}, path="/files")
ends = time.monotonic() + DEADLINE_SECONDS
while len(statuses) < 2 and time.monotonic() < ends:
    time.sleep(0.05)
print(json.dumps(statuses))
