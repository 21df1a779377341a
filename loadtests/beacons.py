"""
Beacons that differ as real ones do: pages, referrers, addresses and user agents, drawn from a seed, and written out as
the bytes of whole requests, so that no generator spends its time on making them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

DOMAIN = "bench.test"
EVENTS_IN_BATCH = 500

_SYSTEMS = (
    "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 10; K",
    "X11; CrOS x86_64 14541.0.0",
)  # fmt: skip
_REFERRERS = (
    "",
    "",
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://news.ycombinator.com/",
    "https://t.co/x",
)
_CAMPAIGN = "?utm_source=newsletter&utm_medium=email"


@dataclass(frozen=True, slots=True)
class Variety:
    """
    How much the beacons of a run differ.
    """

    urls: int
    user_agents: int
    addresses: int
    requests: int


ORDINARY = Variety(urls=500, user_agents=50, addresses=20_000, requests=20_000)
VARIED = Variety(urls=200_000, user_agents=5_000, addresses=20_000, requests=200_000)


@dataclass(frozen=True, slots=True)
class Beacon:
    """
    What one request says.
    """

    url: str
    referrer: str
    address: str
    user_agent: str

    def as_request(self) -> bytes:
        """
        Write it as `POST /api/event` with the address in X-Forwarded-For, as a proxy on this machine would send it.
        """
        body = json.dumps({"n": "pageview", "u": self.url, "d": DOMAIN, "r": self.referrer}, separators=(",", ":"))
        return post("/api/event", body, {"User-Agent": self.user_agent, "X-Forwarded-For": self.address})


def post(path: str, body: str, headers: dict[str, str]) -> bytes:
    """
    Write a POST request out. Nothing in it may be the byte 0, which separates requests in a file.
    """
    fields = {
        "Host": "127.0.0.1",
        **headers,
        "Content-Type": "text/plain",
        "Content-Length": str(len(body.encode())),
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", body]
    return "\r\n".join(lines).encode()


def user_agents(count: int) -> list[str]:
    """
    List different user agents of ordinary browsers.
    """
    return [
        f"Mozilla/5.0 ({_SYSTEMS[number % 5]}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{145 + number // 5 % 10}.0.{number // 50 * 7}.0 Safari/537.36"
        for number in range(count)
    ]


def urls(count: int) -> list[str]:
    """
    List different URLs; one in ten carries a campaign.
    """
    return [f"https://{DOMAIN}/posts/{number}{_CAMPAIGN if number % 10 == 0 else ''}" for number in range(count)]


def addresses(count: int, rng: Random) -> list[str]:
    """
    Draw different IPv4 addresses.
    """
    numbers = rng.sample(range(11 << 24, 99 << 24), count)
    return [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in numbers]


def draw(seed: int, variety: Variety = ORDINARY) -> list[Beacon]:
    """
    Draw beacons; every URL and address of the variety comes up when there are requests enough.
    """
    rng = Random(seed)
    all_urls, all_addresses = urls(variety.urls), addresses(variety.addresses, rng)
    rng.shuffle(all_urls)
    agents = user_agents(variety.user_agents)
    return [
        Beacon(
            url=all_urls[number % variety.urls],
            referrer=rng.choice(_REFERRERS),
            address=all_addresses[number % variety.addresses],
            user_agent=rng.choice(agents),
        )
        for number in range(variety.requests)
    ]


def draw_batches(seed: int, count: int, key: str) -> list[bytes]:
    """
    Write the same beacons as bodies of `POST /api/events`, `EVENTS_IN_BATCH` in each.
    """
    beacons = draw(seed)
    found: list[bytes] = []
    for number in range(count):
        first = number * EVENTS_IN_BATCH
        taken = [beacons[index % len(beacons)] for index in range(first, first + EVENTS_IN_BATCH)]
        events = [
            {
                "n": "pageview",
                "u": beacon.url,
                "d": DOMAIN,
                "r": beacon.referrer,
                "ip": beacon.address,
                "user_agent": beacon.user_agent,
            }
            for beacon in taken
        ]
        body = json.dumps(events, separators=(",", ":"))
        found.append(post("/api/events", body, {"Authorization": f"Bearer {key}"}))
    return found


def write_requests(path: Path, requests: Sequence[bytes]) -> None:
    """
    Write requests into one file, separated by zero bytes: both generators read it.
    """
    path.write_bytes(b"\0".join(requests))


def read_requests(path: Path) -> list[bytes]:
    """
    Read what `write_requests` wrote.
    """
    return path.read_bytes().split(b"\0")
