"""
A made-up access log of any size, the same for the same seed: `python -m loadtests.access_log --megabytes 100 FILE`.

Combined format, 90 days of one shop: pages, assets, robots, forms, dead links, and campaigns with queries. Addresses
are random numbers of nobody in particular.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

SEED = 1
SITE = "shop.example"
DAYS = 90
FIRST_DAY = datetime(2026, 8, 1, tzinfo=UTC)
LINE_BYTES = 213
"""About; how many lines a file will have decides how far apart they are."""
PEOPLE = 60_000
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "curl/8.5.0",
)
REFERRERS = (
    *(["-"] * 40), "https://www.google.com/", "https://www.google.se/", "https://duckduckgo.com/", "https://t.co/abc",
    "https://news.ycombinator.com/item?id=4242", "https://www.facebook.com/", "https://chatgpt.com/",
    f"https://{SITE}/", "https://partner.example/list?page=3",
)  # fmt: skip
PAGES = (
    "/", "/about", "/pricing", "/docs/", "/contact",
    *(f"/blog/{year}/{number}-a-post-about-things" for year in range(2020, 2026) for number in range(60)),
    *(f"/product/{number}" for number in range(2000)),
)  # fmt: skip
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


def browsers() -> list[str]:
    """
    List the user agents of ordinary browsers of many versions.
    """
    found: list[str] = []
    for version in range(110, 142):
        for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"):
            found.append(f"Mozilla/5.0 ({system}) {WEBKIT} Chrome/{version}.0.0.0 Safari/537.36")
        found.append(f"Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
        phone = f"Linux; Android 14; SM-S91{version % 10}B"
        found.append(f"Mozilla/5.0 ({phone}) {WEBKIT} Chrome/{version}.0.0.0 Mobile Safari/537.36")
    for major in range(15, 19):
        for minor in range(7):
            phone = f"iPhone; CPU iPhone OS {major}_{minor} like Mac OS X"
            found.append(
                f"Mozilla/5.0 ({phone}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{major}.{minor} "
                "Mobile/15E148 Safari/604.1"
            )
    return found


def lines(size: int, seed: int) -> Iterator[str]:
    """
    Give the lines of a log of at least `size` bytes, in the order of time, without their line feeds.
    """
    chance = random.Random(seed)
    people = _people(chance)
    apart = DAYS * 86_400 / (size / LINE_BYTES)
    seconds, written = 0.0, 0
    while written < size:
        seconds += chance.expovariate(1 / apart)
        line = _line(chance, FIRST_DAY + timedelta(seconds=seconds), people)
        written += len(line) + 1
        yield line


def _people(chance: random.Random) -> list[tuple[str, str]]:
    agents = browsers()
    return [(_address(chance), chance.choice(agents)) for _ in range(PEOPLE)]


def _address(chance: random.Random) -> str:
    below = chance.randrange
    if chance.random() < 0.8:
        return f"{below(1, 223)}.{below(256)}.{below(256)}.{below(1, 255)}"
    return f"2a02:{below(65_536):x}:{below(65_536):x}::{below(65_536):x}"


def _line(chance: random.Random, at: datetime, people: Sequence[tuple[str, str]]) -> str:
    # Some people come often, most once: the square makes the first ones likely.
    address, agent = people[int(len(people) * chance.random() ** 2)]
    method, status, referrer, kind = "GET", 200, chance.choice(REFERRERS), chance.random()
    page = PAGES[int(len(PAGES) * chance.random() ** 3)]
    if kind < 0.55:
        target = page
    elif kind < 0.80:
        target, referrer = f"/img/photo-{chance.randrange(400)}.jpg", f"https://{SITE}/"
    elif kind < 0.90:
        target, agent, referrer = page, chance.choice(ROBOTS), "-"
    elif kind < 0.93:
        target, method = "/api/cart", "POST"
    elif kind < 0.96:
        target, status = f"/old/{chance.randrange(9999)}.php", 404
    else:
        target = f"{page}?utm_source=newsletter&utm_campaign=c{chance.randrange(20)}&id={chance.randrange(10**6)}"
    time = f"{at.day:02}/{MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"
    sent = chance.randrange(300, 90_000)
    return f'{address} - - [{time}] "{method} {target} HTTP/1.1" {status} {sent} "{referrer}" "{agent}"'


def main() -> None:
    """
    Write the file.
    """
    parser = argparse.ArgumentParser(prog="python -m loadtests.access_log", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100, help="size of the file, in millions of bytes")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    with given.file.open("w", encoding="ascii") as file:
        file.writelines(line + "\n" for line in lines(round(given.megabytes * 1e6), given.seed))


if __name__ == "__main__":
    main()
