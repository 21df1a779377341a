"""
Programs of the trial: from the crudest to the ones that are hard to tell from people.
"""

from __future__ import annotations

from random import Random

from daysalt.trial import browsers
from daysalt.trial.actors import CRAWLER, HOME, HOSTING, SITE, Script, Sender, ipv4
from daysalt.trial.browsers import Browser
from ingest.hit import DropReason
from ingest.risk.evidence import NetworkFacts

HOUR_MS = 3_600_000


def flood(rng: Random, script: Script, hours: float) -> None:
    """
    Hundreds to thousands of requests from a few addresses, as fast as a loop goes.
    """
    for _ in range(rng.randint(1, 5)):
        sender = _crude(rng, script, ipv4(rng), _place(rng))
        at = _moment(rng, script, hours)
        pages, gap_ms = rng.choice((1, 1, 5, 50)), rng.choice((5, 20, 100, 300))
        for _ in range(rng.randint(250, 2500)):
            sender.view(at, f"/p/{rng.randrange(pages)}")
            at += rng.randint(1, 2 * gap_ms)


def naive_crawler(rng: Random, script: Script, hours: float) -> None:
    """
    Page after page with a library or an old user agent.
    """
    for _ in range(rng.randint(2, 8)):
        sender = _crude(rng, script, ipv4(rng), _place(rng))
        at, gap_ms, jitter = _moment(rng, script, hours * 0.5), rng.randint(200, 5000), rng.choice((0, 0.05, 0.5))
        for number in range(rng.randint(50, 500)):
            sender.view(at, f"/crawled/{number}")
            at += int(gap_ms * rng.uniform(1 - jitter, 1 + jitter))


def headless_crawler(rng: Random, script: Script, hours: float) -> None:
    """
    A driven browser with every header of a real one; some make reading times up.
    """
    for _ in range(rng.randint(4, 12)):
        sender = Sender(script, ipv4(rng), browsers.desktop(rng), "program", _place(rng))
        at = _moment(rng, script, hours * 0.4)
        low, faking = rng.uniform(0.3, 6), rng.random() < 0.15
        high, share = low * rng.uniform(1.1, 3), rng.uniform(0.2, 1)
        for number in range(rng.randint(40, 400)):
            here = f"/crawled/{number}" if rng.random() < 0.9 else "/p/0"
            sender.view(at, here)
            gap = int(1000 * rng.uniform(low, high))
            if faking and rng.random() < share:
                sender.reading(at + gap - 50, here, rng.choice((1000, 3000, 5000, gap - 60)), rng.choice((0, 50, 100)))
            at += gap


def slow_botnet(rng: Random, script: Script, hours: float) -> None:
    """
    Hundreds of homes with an infected device, each an event an hour with every header right.
    """
    jitter = rng.choice((0.0, 0.05, 0.3, 1.0))
    for _ in range(rng.randint(150, 400)):
        sender = Sender(script, ipv4(rng), rng.choice((browsers.desktop, browsers.phone))(rng), "program", HOME)
        at = script.start_ms + rng.randrange(HOUR_MS)
        until = script.start_ms + int(hours * HOUR_MS)
        while at < until:
            sender.view(at, f"/p/{rng.randrange(40)}")
            at += int(HOUR_MS * rng.uniform(1 - jitter * 0.9, 1 + jitter * 0.9))


def conversion_faker(rng: Random, script: Script, hours: float) -> None:
    """
    Goals and purchases nobody made, for a commission; some send a pageview first.
    """
    for _ in range(rng.randint(3, 15)):
        careful = rng.random() < 0.5
        browser = browsers.desktop(rng) if careful else _crude_browser(rng)
        sender = Sender(script, ipv4(rng), browser, "program", _place(rng))
        if not careful:
            sender.without_origin()
        at = _moment(rng, script, hours * 0.5)
        with_view, fakes = rng.random() < 0.25, rng.randint(4, 60)
        if with_view:
            sender.view(at, "/p/0")
        money = rng.random() < 0.6 or with_view
        for _ in range(fakes):
            at += rng.randint(500, 120_000)
            sender.goal(
                at, "/thanks", "Purchase" if money else "Signup", f"{rng.randint(99, 2000)}.00" if money else None
            )


def replayer(rng: Random, script: Script, hours: float) -> None:
    """
    A captured visit sent again and again, headers and all.
    """
    for _ in range(rng.randint(2, 8)):
        sender = Sender(script, ipv4(rng), browsers.desktop(rng), "program", _place(rng))
        captured = [(f"/p/{number}", rng.randint(2000, 60_000)) for number in range(rng.randint(1, 4))]
        with_reading = rng.random() < 0.5
        at = _moment(rng, script, hours * 0.5)
        for _ in range(rng.randint(20, 200)):
            for here, engaged in captured:
                sender.view(at, here)
                at += rng.randint(50, 2000)
                if with_reading:
                    sender.reading(at, here, engaged, 80)
                    at += rng.randint(50, 3000)


def ipv6_hopper(rng: Random, script: Script, hours: float) -> None:
    """
    One machine that takes another /64 of its /48 for every few requests, with every header right.
    """
    for _ in range(rng.randint(1, 3)):
        network = (0x2A << 40 | rng.getrandbits(40)) << 80
        at, facts, browser = _moment(rng, script, hours * 0.5), _place(rng), browsers.desktop(rng)
        each, gap_ms = rng.randint(1, 4), rng.randint(200, 4000)
        for _ in range(rng.randint(60, 600)):
            address = (network | rng.getrandbits(16) << 64 | rng.getrandbits(64)).to_bytes(16)
            sender = Sender(script, address, browser, "program", facts)
            for _ in range(each):
                sender.view(at, f"/crawled/{rng.randrange(5000)}")
                at += rng.randint(gap_ms // 2, gap_ms * 2)


def referrer_spammer(rng: Random, script: Script, hours: float) -> None:
    """
    Visits that advertise a host in the list of referrers.
    """
    for _ in range(rng.randint(3, 12)):
        sender = Sender(script, ipv4(rng), browsers.desktop(rng), "program", _place(rng))
        at = _moment(rng, script, hours * 0.8)
        for _ in range(rng.randint(1, 20)):
            sender.view(at, "/p/0", "https://spam.example/", DropReason.SPAM_REFERRER)
            at += rng.randint(1000, 60_000)


def polite_crawler(rng: Random, script: Script, hours: float) -> None:
    """
    Search engines that say who they are, from the ranges they publish, and others that only say so.
    """
    for _ in range(rng.randint(3, 10)):
        facts = rng.choice((CRAWLER, HOSTING))
        sender = Sender(script, ipv4(rng), browsers.bare(rng.choice(browsers.CRAWLERS)), "program", facts)
        at = _moment(rng, script, hours * 0.5)
        for number in range(rng.randint(5, 120)):
            sender.view(at, f"/crawled/{number}", reason=DropReason.BOT)
            at += rng.randint(5000, 40_000)


def uptime_monitor(rng: Random, script: Script, hours: float) -> None:
    """
    One page, every minute or five, all day.
    """
    for _ in range(rng.randint(2, 6)):
        sender = Sender(script, ipv4(rng), browsers.bare(rng.choice(browsers.MONITORS)), "program", HOSTING)
        at, gap = script.start_ms + rng.randrange(60_000), rng.choice((30_000, 60_000, 300_000))
        while at < script.start_ms + hours * HOUR_MS:
            sender.view(at, "/p/0", reason=DropReason.BOT)
            at += gap + rng.randint(-200, 200)


def _crude_browser(rng: Random) -> Browser:
    kind = rng.choices(("library", "empty", "ancient", "copied"), (45, 10, 15, 30))[0]
    if kind == "library":
        return browsers.bare(rng.choice(browsers.LIBRARIES))
    if kind == "ancient":
        return browsers.bare(rng.choice(browsers.ANCIENT))
    # A user agent copied from a browser, and none of its other headers.
    return browsers.bare("" if kind == "empty" else browsers.desktop(rng).user_agent)


def _crude(rng: Random, script: Script, address: bytes, facts: NetworkFacts) -> Sender:
    sender = Sender(script, address, _crude_browser(rng), "program", facts, site=SITE)
    return sender if rng.random() < 0.3 else sender.without_origin()


def _place(rng: Random) -> NetworkFacts:
    return HOSTING if rng.random() < 0.6 else HOME


def _moment(rng: Random, script: Script, hours: float) -> int:
    # Not before the site's readers came: half an hour in.
    return script.start_ms + 1_800_000 + rng.randrange(max(1, int((hours - 0.5) * HOUR_MS)))
