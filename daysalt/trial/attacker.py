"""
What is left to an attacker who knows every rule: pageviews an hour from one address before it is called automated.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from daysalt.trial import browsers, people
from daysalt.trial.actors import HOME, HOSTING, Script, Sender, ipv4
from daysalt.trial.play import play
from daysalt.trial.scenarios import DAY_MS, DAYS_FROM
from ingest.risk.evidence import NetworkFacts

RATES = (1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 500, 700, 1000, 1500, 2000)
HOURS = 3


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way to go about it.
    """

    name: str
    facts: NetworkFacts
    careful: bool
    """Every header of a real browser; else a library that names itself."""
    readings: bool
    """Makes up a reading time for each page, and waits for it."""


WAYS = (
    Way("library, home line", HOME, careful=False, readings=False),
    Way("real headers, data centre, no reading times", HOSTING, careful=True, readings=False),
    Way("real headers, home line, no reading times", HOME, careful=True, readings=False),
    Way("real headers, data centre, made-up reading times", HOSTING, careful=True, readings=True),
    Way("real headers, home line, made-up reading times", HOME, careful=True, readings=True),
)


def pageviews_left(way: Way, seed: int) -> int:
    """
    Find the highest rate of `RATES` that is not called automated within three hours; 0 when the lowest is.

    The pageviews come at random times, over six pages that are visited again, in one browser.
    """
    left = 0
    for rate in RATES:
        rng = Random(f"attacker/{seed}/{rate}")  # noqa: S311 - made-up traffic, no secret
        script = Script((DAYS_FROM + seed % 365) * DAY_MS)
        people.background(rng, script, HOURS + 0.5)
        browser = browsers.desktop(rng) if way.careful else browsers.bare(browsers.LIBRARIES[0])
        address = ipv4(rng)
        sender = Sender(script, address, browser, "program", way.facts)
        start = script.start_ms + 1_800_000
        moments = sorted(start + rng.randrange(HOURS * 3_600_000) for _ in range(rate * HOURS))
        for at_ms in moments:
            page = f"/p/{rng.randrange(6)}"
            sender.view(at_ms, page)
            if way.readings:
                sender.reading(at_ms + rng.randint(1000, 1500), page, rng.randint(1500, 60_000), rng.randint(20, 100))
        if play(script).outcomes[address].called_after is not None:
            break
        left = rate
    return left
