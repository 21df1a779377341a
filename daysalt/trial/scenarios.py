"""
The scenarios: who is on the site beside its ordinary readers, and for how long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from daysalt.trial import people, programs
from daysalt.trial.actors import Script

Cast = Callable[[Random, Script, float], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    One scenario. `target` is what must be reached: at most this share of people called automated, or at least this
    share of programs found; None where the figure is told and nothing is asked of it.
    """

    name: str
    cast: Cast
    label: str
    hours: tuple[float, float]
    target: float | None
    readers: bool = True


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("households", people.households, "person", (3, 10), 0.01),
        Scenario("mobile-crowd", people.mobile_crowd, "person", (1, 5), 0.01),
        Scenario("push-message", people.push_message, "person", (1, 5), 0.01),
        Scenario("office", people.office, "person", (2, 8), 0.01),
        Scenario("private-browsers", people.private_browsers, "person", (3, 10), 0.01),
        Scenario("without-script", people.without_script, "person", (3, 10), 0.01),
        Scenario("quiet-site", people.quiet_site, "person", (3, 8), 0.01, readers=False),
        Scenario("many-tabs", people.many_tabs, "person", (3, 8), 0.01),
        Scenario("agents", people.agents, "agent", (3, 8), None),
        Scenario("flood", programs.flood, "program", (1.5, 4), 0.95),
        Scenario("naive-crawler", programs.naive_crawler, "program", (2, 6), 0.95),
        Scenario("headless-crawler", programs.headless_crawler, "program", (2, 6), 0.8),
        Scenario("ipv6-hopper", programs.ipv6_hopper, "program", (2, 6), 0.8),
        Scenario("conversion-faker", programs.conversion_faker, "program", (3, 6), 0.95),
        Scenario("replayer", programs.replayer, "program", (2, 6), 0.95),
        Scenario("slow-botnet", programs.slow_botnet, "program", (18, 23), None),
        Scenario("referrer-spammer", programs.referrer_spammer, "program", (3, 6), None),
        Scenario("polite-crawler", programs.polite_crawler, "program", (2, 6), None),
        Scenario("uptime-monitor", programs.uptime_monitor, "program", (4, 12), None),
    )
}

DAY_MS = 86_400_000
DAYS_FROM = 20_500
"""A day in 2026: the windows take any."""


def write_script(scenario: Scenario, seed: int) -> Script:
    """
    Draw one run of a scenario: the same seed gives the same hits.
    """
    rng = Random(f"{scenario.name}/{seed}")  # noqa: S311 - made-up traffic, no secret
    hours = rng.uniform(*scenario.hours)
    latest = max(0.0, 23.5 - hours)
    script = Script((DAYS_FROM + seed % 365) * DAY_MS + int(rng.uniform(0, latest) * 3_600_000))
    if scenario.readers:
        people.background(rng, script, hours)
    scenario.cast(rng, script, hours)
    return script
