"""
Beacons that differ as real ones do: pages, referrers, addresses and user agents, drawn from a seed.
"""

from __future__ import annotations

import json
from random import Random

DOMAIN = "bench.test"
ADDRESSES = 20_000
REQUESTS = 4_000

_SYSTEMS = (
    "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 10; K",
)  # fmt: skip
_REFERRERS = (
    "",
    "",
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://news.ycombinator.com/",
    "https://t.co/x",
)


def user_agents() -> list[str]:
    """
    List 48 user agents of ordinary browsers.
    """
    return [
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
        for system in _SYSTEMS
        for version in range(145, 157)
    ]


def draw(seed: int) -> list[tuple[dict[str, str], str]]:
    """
    Draw `REQUESTS` beacons: headers and JSON body.
    """
    rng = Random(seed)
    agents = user_agents()
    addresses = [f"{rng.randint(11, 99)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
                 for _ in range(ADDRESSES)]  # fmt: skip
    found: list[tuple[dict[str, str], str]] = []
    for _ in range(REQUESTS):
        headers = {
            "User-Agent": rng.choice(agents),
            "X-Forwarded-For": rng.choice(addresses),
            "Content-Type": "text/plain",
        }
        campaign = "?utm_source=newsletter&utm_medium=email" if rng.random() < 0.1 else ""
        body = {
            "n": "pageview",
            "u": f"https://{DOMAIN}/posts/{rng.randint(1, 450)}{campaign}",
            "d": DOMAIN,
            "r": rng.choice(_REFERRERS),
        }
        found.append((headers, json.dumps(body, separators=(",", ":"))))
    return found
