"""
A load profile: who comes, how fast, for how long. Read from a TOML file; the same file and seed give the same requests
at the same moments.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from daysalt.trial.scenarios import SCENARIOS

PROFILES_DIR = Path(__file__).parent / "profiles"
RATE_MAX = 1_000_000
SECONDS_MAX = 7 * 24 * 3600
PAGES_MAX = 1_000
"""A server shows 50,000 pages a site and day by name, and a load test leaves most of them to others."""
SLICE_SECONDS = 0.1


class ProfileError(Exception):
    """
    A profile that cannot be read; the text says what to change.
    """


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A stretch of time with a rate that is steady or changes evenly.
    """

    seconds: float
    rate: float
    """Requests a second at its start."""
    to: float
    """Requests a second at its end."""


@dataclass(frozen=True, slots=True)
class Profile:
    """
    One load profile.
    """

    name: str
    about: str
    seed: int
    open_loop: bool
    """True: requests fall due at the stages' rates, by chance as people do. False: as fast as they are answered."""
    connections: int
    events_in_request: int
    """1 sends beacons; more sends batches of so many, with the key."""
    stages: tuple[Stage, ...]
    addresses: int
    user_agents: int
    pages: int
    hot_share: float
    """Share of the requests that go to the first page."""
    bot_share: float
    """Share of the requests with the user agent of a robot."""
    referrers: tuple[str, ...]
    scenario: str = ""
    """Name of a scenario of the risk trial whose people and programs send; empty for ordinary browsers."""

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)

    @property
    def expected_requests(self) -> float | None:
        """
        How many requests fall due, on average; None for a closed loop.
        """
        if not self.open_loop:
            return None
        return sum((stage.rate + stage.to) / 2 * stage.seconds for stage in self.stages)

    def arrivals(self, *, first: int = 0, step: int = 1) -> Iterator[float]:
        """
        Draw when requests fall due, in seconds from the start, going up.

        Args:
            first, step: give each of `step` generators its own share of the same moments.
        """
        rng = np.random.default_rng(self.seed)
        number = 0
        began = 0.0
        for stage in self.stages:
            slices = max(1, round(stage.seconds / SLICE_SECONDS))
            width = stage.seconds / slices
            for index in range(slices):
                rate = stage.rate + (stage.to - stage.rate) * (index + 0.5) / slices
                found = np.sort(rng.random(int(rng.poisson(rate * width)))) * width + began + index * width
                for due in found.tolist():
                    if number % step == first:
                        yield due
                    number += 1
            began += stage.seconds


def read_profile(name: str, *, scale: float = 1.0) -> Profile:
    """
    Read a profile by the name of a file in `profiles`, or by path.

    Args:
        scale: stretches every stage; 0.1 for a short try.

    Raises:
        ProfileError: there is none, or something in it is wrong.
    """
    path = Path(name) if name.endswith(".toml") else PROFILES_DIR / f"{name}.toml"
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = ", ".join(sorted(found.stem for found in PROFILES_DIR.glob("*.toml")))
        raise ProfileError(
            f"there is no profile {name}; choose one of {there}, or give a path to a .toml file"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path.name} cannot be read: {error}") from None
    return _Reader(path.stem, told).profile(scale)


class _Reader:
    def __init__(self, name: str, told: Mapping[str, object]) -> None:
        self._name = name
        self._told = told
        traffic = told.get("traffic", {})
        self._traffic = cast("Mapping[str, object]", traffic if isinstance(traffic, dict) else {})

    def profile(self, scale: float) -> Profile:
        self._refuse_unknown(self._told, {"about", "seed", "loop", "connections", "batch_events", "stage", "traffic"})
        self._refuse_unknown(
            self._traffic,
            {"addresses", "user_agents", "pages", "hot_share", "bot_share", "referrers", "scenario"},
        )
        loop = self._told.get("loop", "open")
        if loop not in ("open", "closed"):
            raise ProfileError(f"{self._name}: loop is {loop!r}; it must be open or closed")
        about = self._told.get("about")
        if not isinstance(about, str) or not about:
            raise ProfileError(f"{self._name}: about is missing; say in a sentence who comes")
        scenario = self._traffic.get("scenario", "")
        if scenario and scenario not in SCENARIOS:
            raise ProfileError(f"{self._name}: scenario is {scenario!r}; it must be one of {', '.join(SCENARIOS)}")
        referrers = self._traffic.get("referrers", [""])
        if not isinstance(referrers, list) or not referrers:
            raise ProfileError(f"{self._name}: referrers must be a list of URLs; an empty text is a visit by itself")
        return Profile(
            name=self._name,
            about=about,
            seed=int(self._number(self._told, "seed", 1, 0, 2**31)),
            open_loop=loop == "open",
            connections=int(self._number(self._told, "connections", 64, 1, 10_000)),
            events_in_request=int(self._number(self._told, "batch_events", 1, 1, 1_000)),
            stages=self._stages(scale),
            addresses=int(self._number(self._traffic, "addresses", 20_000, 1, 1_000_000)),
            user_agents=int(self._number(self._traffic, "user_agents", 50, 1, 100_000)),
            pages=int(self._number(self._traffic, "pages", 500, 1, PAGES_MAX)),
            hot_share=self._number(self._traffic, "hot_share", 0, 0, 1),
            bot_share=self._number(self._traffic, "bot_share", 0, 0, 1),
            referrers=tuple(str(referrer) for referrer in cast("list[object]", referrers)),
            scenario=str(scenario),
        )

    def _stages(self, scale: float) -> tuple[Stage, ...]:
        told = self._told.get("stage")
        if not isinstance(told, list) or not told:
            raise ProfileError(f"{self._name}: there is no [[stage]]; add one with seconds and rate")
        found: list[Stage] = []
        for one in cast("list[Mapping[str, object]]", told):
            self._refuse_unknown(one, {"seconds", "rate", "to"})
            rate = self._number(one, "rate", 0, 0, RATE_MAX)
            seconds = self._number(one, "seconds", None, 0.1, SECONDS_MAX)
            found.append(Stage(seconds * scale, rate, self._number(one, "to", rate, 0, RATE_MAX)))
        return tuple(found)

    def _refuse_unknown(self, told: Mapping[str, object], known: set[str]) -> None:
        for name in told:
            if name not in known:
                raise ProfileError(f"{self._name}: {name} is unknown; known are {', '.join(sorted(known))}")

    def _number(self, told: Mapping[str, object], name: str, default: float | None, least: float, most: float) -> float:
        value = told.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise ProfileError(f"{self._name}: {name} is {value!r}; it must be a number from {least:g} to {most:g}")
        return value
