"""
The main graph and the sparklines, as SVG paths.

Paths live in a box of `WIDTH` x `HEIGHT` that is stretched to its place; texts are not in it, so they stay sharp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Value = int | float | None

WIDTH = 1000
HEIGHT = 100
GRID_STEPS = 4
LABELS_MAX = 8


@dataclass(frozen=True, slots=True)
class Line:
    """
    One series: the path of its line, of the area below, and of the last piece when its bucket is not over yet.
    """

    path: str
    area: str
    unfinished: str
    dots: tuple[tuple[str, str], ...]
    """Points that stand alone, as percentages; a path of one point shows nothing."""


@dataclass(frozen=True, slots=True)
class Tick:
    """
    A place on an axis: where (percent as text), what is written there, and how it is anchored.
    """

    at: str
    label: str
    anchor: str = "middle"
    minor: bool = False
    """Left out on narrow screens."""


def nice_top(values: Sequence[Value], *, whole: bool = True) -> float:
    """
    Choose the top of the value axis: at least the largest value, divisible into `GRID_STEPS` round steps.
    """
    largest = max((value for value in values if value is not None), default=0)
    if largest <= 0:
        return GRID_STEPS
    rough = largest / GRID_STEPS
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough - 1e-9)
    if whole:
        step = max(1, math.ceil(step))
    return step * GRID_STEPS


def line(values: Sequence[Value], top: float, *, unfinished: bool = False) -> Line:
    """
    Draw a series. Missing values leave a gap.

    Args:
        top: the value at the upper edge.
        unfinished: the last bucket is still filling; its piece is given apart, to be dotted.
    """
    points = [None if value is None else _point(index, value, len(values), top) for index, value in enumerate(values)]
    tail = ""
    solid = points
    if unfinished and len(points) > 1:
        last, before = points[-1], points[-2]
        if last is not None and before is not None:
            tail = _move(before) + _to(last)
        solid = points[:-1]
    path = area = ""
    dots: list[tuple[str, str]] = []
    for run in _runs(solid):
        if len(run) == 1 and not (tail and run[-1] is points[-2]):
            dots.append((f"{run[0][0] / WIDTH:.2%}", f"{run[0][1] / HEIGHT:.2%}"))
        drawn = _move(run[0]) + "".join(_to(point) for point in run[1:])
        path += drawn
        area += f"{drawn}L{run[-1][0]:g},{HEIGHT}L{run[0][0]:g},{HEIGHT}Z"
    if len(points) == 1 and points[0] is not None:
        dots = [("50%", f"{points[0][1] / HEIGHT:.2%}")]
    return Line(path, area, tail, tuple(dots))


def value_ticks(top: float) -> list[tuple[str, float]]:
    """
    List the grid lines from the upper edge down: place in percent, and value.
    """
    return [(f"{index / GRID_STEPS:.0%}", top * (GRID_STEPS - index) / GRID_STEPS) for index in range(GRID_STEPS + 1)]


def label_ticks(labels: Sequence[str], labels_max: int = LABELS_MAX) -> list[Tick]:
    """
    Choose which buckets are named below the graph, evenly, the first one always.
    """
    count = len(labels)
    if count == 1:
        return [Tick("50%", labels[0])]
    step = max(1, math.ceil((count - 1) / (labels_max - 1)))
    chosen = list(range(0, count, step))
    # A last label that nearly touches the edge is anchored there instead of being cut.
    ticks: list[Tick] = []
    for order, index in enumerate(chosen):
        share = index / (count - 1)
        anchor = "start" if index == 0 else "end" if share > 0.97 else "middle"
        ticks.append(Tick(f"{share:.2%}", labels[index], anchor, minor=order % 2 == 1))
    return ticks


def sparkline(values: Sequence[Value]) -> Line:
    """
    Draw a small line without axes; 6 % of air above and below.
    """
    top = max((value for value in values if value is not None), default=0) or 1
    return line([None if value is None else value * 0.88 + top * 0.06 for value in values], top)


def _point(index: int, value: float, count: int, top: float) -> tuple[float, float]:
    x = WIDTH / 2 if count == 1 else index / (count - 1) * WIDTH
    return round(x, 2), round(HEIGHT - value / top * HEIGHT, 2)


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _move(point: tuple[float, float]) -> str:
    return f"M{point[0]:g},{point[1]:g}"


def _to(point: tuple[float, float]) -> str:
    return f"L{point[0]:g},{point[1]:g}"
