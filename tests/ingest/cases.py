"""
The black-box cases of the events API that hops 2 and 3 alone can answer, with a builder for hits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, cast

from ingest.address import Address
from ingest.decode import Beacon
from ingest.hit import Hit

CASES_FILE = Path(__file__).with_name("cases_events.json")
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
ADDRESS = IPv4Address("198.51.100.7")


def hit_of(
    beacon: Beacon,
    *,
    user_agent: str = CHROME,
    address: Address = ADDRESS,
    ip_type: str = "",
    signal: bool = False,
) -> Hit:
    """
    Make the hit a beacon becomes when it comes from an ordinary browser.
    """
    return Hit(
        name=beacon.name, url=beacon.url, domains=beacon.domains, referrer=beacon.referrer, props=beacon.props,
        hash_mode=beacon.hash_mode, revenue=beacon.revenue, interactive=beacon.interactive,
        scroll_depth=beacon.scroll_depth, engagement_ms=beacon.engagement_ms, received_ms=1_795_347_000_000,
        address=address, user_agent=user_agent, ip_type=ip_type, signal=signal,
    )  # fmt: skip


def pageview(url: str = "https://example.com/", referrer: str = "", **more: Any) -> Hit:
    """
    Make the hit of a pageview.
    """
    return hit_of(Beacon(name="pageview", url=url, domains=("example.com",), referrer=referrer), **more)


def engagement_cases() -> Iterator[Mapping[str, Any]]:
    """
    Give the cases about depth and time of an engagement, whose last request says it all.
    """
    everything = cast("dict[str, Any]", json.loads(CASES_FILE.read_text(encoding="utf-8")))
    for case in everything["cases"]:
        if case["area"] == "engagement" and {"event_last", "json_last"} & set(case["expect"]):
            yield case


def cases() -> Iterator[Mapping[str, Any]]:
    """
    Give the cases of one request that are about the wire, the page, the agent, the origin, shields and drops.
    """
    everything = cast("dict[str, Any]", json.loads(CASES_FILE.read_text(encoding="utf-8")))
    for case in everything["cases"]:
        request = case.get("request")
        if request is not None and request.get("method") != "GET" and ("body" in request or "raw_body" in request):
            yield case


def body_of(case: Mapping[str, Any]) -> bytes:
    """
    Give a case's body as bytes.
    """
    request = case["request"]
    return request["raw_body"].encode() if "raw_body" in request else json.dumps(request["body"]).encode()


def header_of(case: Mapping[str, Any], name: str) -> str:
    """
    Give a header of a case's request; empty when it has none.
    """
    headers = cast("dict[str, str]", case["request"].get("headers", {}))
    return headers.get(name, "")


def address_of(case: Mapping[str, Any]) -> IPv4Address | IPv6Address:
    """
    Give the address a case's proxy names, or an ordinary one.
    """
    named = header_of(case, "X-Forwarded-For")
    return ip_address(named) if named else ADDRESS
