"""
The world map: a shade for every country, made from the paths that `dashboard.vendor` prepared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SHADES = 5
"""Shades from palest to strongest; 0 is a country nobody came from."""

_FILE = Path(__file__).parent / "world.json"


@dataclass(frozen=True, slots=True)
class Country:
    """
    One country on the map; its shape has its code for an id in `world_shapes`.
    """

    code: str
    shade: int
    visitors: int


@dataclass(frozen=True, slots=True)
class WorldMap:
    """
    The map, with its size, and the lowest number of each shade for the legend.
    """

    width: int
    height: int
    countries: tuple[Country, ...]
    steps: tuple[int, ...]


def world_map(visitors: Mapping[str, int]) -> WorldMap:
    """
    Shade the map.

    Args:
        visitors: by ISO 3166-1 alpha-2 code; countries without a shape are left to the list beside the map.
    """
    width, height, paths = _shapes()
    steps = _steps(max(visitors.values(), default=0))
    countries = tuple(
        Country(code, sum(visitors.get(code, 0) >= step for step in steps), visitors.get(code, 0)) for code in paths
    )
    return WorldMap(width, height, countries, steps)


def world_shapes() -> str:
    """
    Write the shapes of all countries as an SVG file, for a page to show by `use`: `#world`, and each under its code.
    """
    _, _, paths = _shapes()
    drawn = "".join(f'<path id="{code}" d="{path}"/>' for code, path in paths.items())
    return f'<svg xmlns="http://www.w3.org/2000/svg"><g id="world">{drawn}</g></svg>'


@cache
def _shapes() -> tuple[int, int, dict[str, str]]:
    world = json.loads(_FILE.read_text(encoding="utf-8"))
    return int(world["width"]), int(world["height"]), dict(world["paths"])


def _steps(largest: int) -> tuple[int, ...]:
    # Equal steps of the logarithm: one country usually holds most visitors, and the others should still differ.
    if largest < 1:
        return ()
    raw = [largest ** (index / SHADES) for index in range(SHADES)]
    steps: list[int] = []
    for value in raw:
        rounded = _round_down(value)
        if not steps or rounded > steps[-1]:
            steps.append(rounded)
    return tuple(steps)


def _round_down(value: float) -> int:
    if value < 10:
        return max(1, int(value))
    power = 10 ** (int(math.log10(value)))
    return int(value / power) * power
