"""
People of the trial. Nothing about them is drawn so that the rules find it easy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from daysalt.trial import browsers
from daysalt.trial.actors import HOME, HOSTING, MOBILE, TOR, VPN, Script, Sender, ipv4, ipv6, page
from daysalt.trial.browsers import Browser
from ingest.risk.evidence import NetworkFacts

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Habit:
    """
    How people of one kind read, drawn once for a kind.
    """

    pages_per_visit: float
    dwell_s: float
    """Median."""
    spread: float
    heard: float
    """Share of reading times that arrive: blockers and closed lids take the rest."""
    goals: float
    """Custom events for each page."""
    pages: int
    """Of the site."""


def habit(rng: Random, *, heard: tuple[float, float] = (0.75, 0.98), goals: float = 0.1) -> Habit:
    """
    Draw how one kind of people reads.
    """
    return Habit(
        rng.uniform(1.5, 7), rng.uniform(6, 60), rng.uniform(0.7, 1.3), rng.uniform(*heard), goals, rng.randint(8, 400)
    )


def visit(rng: Random, sender: Sender, start_ms: int, how: Habit, *, sends_readings: bool = True) -> None:
    """
    Let somebody look at some pages.
    """
    at = start_ms
    for _ in range(1 + int(rng.expovariate(1 / how.pages_per_visit))):
        here = page(rng, how.pages)
        sender.view(at, here)
        dwell_ms = int(1000 * min(1500, rng.lognormvariate(math.log(how.dwell_s), how.spread))) + 400
        for _ in range(int(rng.expovariate(1 / how.goals)) if how.goals else 0):
            sender.goal(at + rng.randrange(dwell_ms), here, rng.choice(("Signup", "Outbound Link: Click", "Download")))
        if rng.random() < how.goals / 5:
            sender.goal(at + dwell_ms - 100, here, "Purchase", f"{rng.randint(49, 900)}.00")
        if sends_readings and rng.random() < how.heard:
            engaged = int(dwell_ms * rng.uniform(0.3, 1))
            sender.reading(at + dwell_ms, here, engaged, rng.randint(10, 100))
        at += dwell_ms + rng.randint(20, 900)


def background(rng: Random, script: Script, hours: float) -> None:
    """
    The site's own readers at home and on the way, so that it is a site with traffic.
    """
    how = habit(rng)
    for _ in range(rng.randint(60, 160)):
        _household(rng, script, how, hours, visits=rng.randint(1, 3))


def households(rng: Random, script: Script, hours: float) -> None:
    """
    Homes with one to four devices, a few of them heavy readers.
    """
    how = habit(rng)
    for _ in range(rng.randint(100, 300)):
        _household(rng, script, how, hours, visits=rng.choice((1, 1, 2, 4, 10)))


def mobile_crowd(rng: Random, script: Script, hours: float) -> None:
    """
    Hundreds of phones behind each address of a mobile operator.
    """
    how = habit(rng)
    for _ in range(rng.randint(1, 4)):
        address = ipv4(rng)
        phones = [browsers.phone(rng) for _ in range(rng.randint(6, 40))]
        for _ in range(rng.randint(200, 900)):
            visit(rng, Sender(script, address, rng.choice(phones), "person", MOBILE), _moment(rng, script, hours), how)


def push_message(rng: Random, script: Script, hours: float) -> None:
    """
    A message to all readers of an app: phones of few models and one operator's networks, all within a minute or two, on
    the same page, and nobody has left it yet.
    """
    how = habit(rng)
    models = [browsers.phone(rng) for _ in range(rng.randint(4, 20))]
    for _ in range(rng.randint(1, 3)):
        wide, network4, network6 = rng.random() < 0.5, ipv4(rng)[:3], ipv6(rng)[:6]
        told, spread_ms = _moment(rng, script, hours * 0.8), rng.randint(20_000, 150_000)
        for _ in range(rng.randint(30, 200)):
            host = network6 + rng.randbytes(10) if wide else network4 + rng.randbytes(1)
            sender = Sender(script, host, rng.choice(models), "person", MOBILE)
            visit(rng, sender, told + rng.randrange(spread_ms), how)


def office(rng: Random, script: Script, hours: float) -> None:
    """
    Offices and schools: one address, computers of one kind, everybody at once when the lesson begins.
    """
    how = habit(rng)
    for _ in range(rng.randint(3, 8)):
        address = ipv4(rng)
        computers = [browsers.desktop(rng) for _ in range(rng.randint(1, 12))]
        lesson = _moment(rng, script, hours * 0.8)
        for _ in range(rng.randint(15, 150)):
            start = lesson + rng.randrange(600_000) if rng.random() < 0.6 else _moment(rng, script, hours)
            visit(rng, Sender(script, address, rng.choice(computers), "person", HOME), start, how)


def private_browsers(rng: Random, script: Script, hours: float) -> None:
    """
    VPNs, Tor and privacy browsers: exits in data centres, reading times often blocked, headers sometimes rewritten.
    """
    how = habit(rng, heard=(0.2, 0.95))
    exits: list[tuple[bytes, NetworkFacts]] = [
        (ipv4(rng), rng.choice((VPN, HOSTING, TOR))) for _ in range(rng.randint(20, 60))
    ]
    for _ in range(rng.randint(100, 400)):
        address, facts = rng.choice(exits)
        visit(rng, Sender(script, address, browsers.private(rng), "person", facts), _moment(rng, script, hours), how)
    alone = habit(rng, heard=(0.0, 0.5))
    for _ in range(rng.randint(30, 80)):
        # Somebody with a server of their own as an exit.
        sender = Sender(script, ipv4(rng), browsers.private(rng), "person", rng.choice((VPN, HOSTING)))
        visit(rng, sender, _moment(rng, script, hours), alone)


def without_script(rng: Random, script: Script, hours: float) -> None:
    """
    Readers without JavaScript: only the pixel sees them, and no reading time comes.
    """
    how = habit(rng)
    for _ in range(rng.randint(60, 200)):
        sender = Sender(script, ipv4(rng), browsers.private(rng), "person", rng.choice((HOME, HOME, VPN)))
        at = _moment(rng, script, hours)
        for _ in range(1 + int(rng.expovariate(1 / how.pages_per_visit) * 2)):
            sender.pixel(at, page(rng, how.pages))
            at += int(1000 * rng.lognormvariate(math.log(how.dwell_s), how.spread)) + 400


def quiet_site(rng: Random, script: Script, hours: float) -> None:
    """
    A site with an old tracker that sends no reading times, homes and offices.
    """
    how = habit(rng)
    for _ in range(rng.randint(60, 150)):
        _household(rng, script, how, hours, visits=rng.randint(1, 4), sends_readings=False)
    for _ in range(rng.randint(2, 5)):
        address = ipv4(rng)
        computers = [browsers.desktop(rng) for _ in range(rng.randint(2, 12))]
        for _ in range(rng.randint(15, 100)):
            sender = Sender(script, address, rng.choice(computers), "person", HOME)
            visit(rng, sender, _moment(rng, script, hours), how, sends_readings=False)


def many_tabs(rng: Random, script: Script, hours: float) -> None:
    """
    People who open a dozen tabs at once, reload, and those on a page that sends an event with every move.
    """
    tabs = habit(rng)
    for _ in range(rng.randint(40, 120)):
        sender = Sender(script, ipv4(rng), browsers.desktop(rng), "person", rng.choice((HOME, HOME, HOSTING)))
        at = _moment(rng, script, hours)
        for _ in range(rng.randint(1, 5)):
            opened = [page(rng, tabs.pages) for _ in range(rng.randint(4, 20))]
            for here in opened:
                sender.view(at, here)
                at += rng.randint(250, 2500)
            for here in opened:
                if rng.random() < rng.uniform(0.3, 0.95):
                    spent = int(1000 * rng.lognormvariate(math.log(tabs.dwell_s), tabs.spread)) + 300
                    at += spent
                    sender.reading(at, here, int(spent * rng.uniform(0.3, 1)), rng.randint(5, 100))
    playing = habit(rng, goals=rng.uniform(5, 60))
    for _ in range(rng.randint(10, 40)):
        _household(rng, script, playing, hours, visits=1)


def agents(rng: Random, script: Script, hours: float) -> None:
    """
    Programs that read for a person who asked them to: a real browser in a data centre, brisk and tidy.
    """
    for _ in range(rng.randint(10, 40)):
        sender = Sender(script, ipv4(rng), browsers.desktop(rng), "agent", HOSTING)
        how = Habit(rng.uniform(2, 8), rng.uniform(2, 6), 0.4, rng.uniform(0.3, 1), 0.05, 60)
        visit(rng, sender, _moment(rng, script, hours), how)


def _household(
    rng: Random, script: Script, how: Habit, hours: float, *, visits: int, sends_readings: bool = True
) -> None:
    address = ipv6(rng) if rng.random() < 0.4 else ipv4(rng)
    draw: tuple[Callable[[Random], Browser], ...] = (browsers.desktop, browsers.phone)
    devices = [rng.choice(draw)(rng) for _ in range(rng.randint(1, 4))]
    facts = rng.choice((HOME, MOBILE))
    for _ in range(visits):
        sender = Sender(script, address, rng.choice(devices), "person", facts)
        visit(rng, sender, _moment(rng, script, hours), how, sends_readings=sends_readings)


def _moment(rng: Random, script: Script, hours: float) -> int:
    return script.start_ms + rng.randrange(int(hours * HOUR_MS))
