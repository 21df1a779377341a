"""
Graphs over time: as a line of block characters for a terminal, and as SVG for a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 860, 200
_LEFT, _BOTTOM, _TOP = 60, 22, 10


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of a graph.
    """

    name: str
    colour: str
    values: Mapping[int, float]
    """By second of the run; a missing second is 0."""


def spark(values: Sequence[float], width: int = 72) -> str:
    """
    Draw values as a line of blocks, at most `width` long; each block is the largest of its stretch.
    """
    if not values:
        return ""
    width = min(width, len(values))
    edges = [round(index * len(values) / width) for index in range(width + 1)]
    peaks = [max(values[start:end]) for start, end in pairwise(edges)]
    most = max(peaks)
    if most <= 0:
        return _BLOCKS[0] * width
    return "".join(_BLOCKS[0] if peak <= 0 else _BLOCKS[max(1, round(peak / most * 8))] for peak in peaks)


def by_second(values: Mapping[int, float]) -> list[float]:
    """
    List values from second 0 to the last, gaps filled with 0.
    """
    return [values.get(second, 0) for second in range(max(values, default=-1) + 1)]


def svg(lines: Sequence[Line], unit: str) -> str:
    """
    Draw lines over one time axis, with its largest value and a legend.
    """
    drawn = [(line, by_second(line.values)) for line in lines]
    seconds = max((len(values) for _, values in drawn), default=0)
    most = max((max(values, default=0) for _, values in drawn), default=0) or 1
    width, height = WIDTH - _LEFT - 10, HEIGHT - _BOTTOM - _TOP
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{unit} over time">',
        f'<path d="M{_LEFT} {_TOP}V{_TOP + height}H{WIDTH - 10}" fill="none" stroke="#888"/>',
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{most:,.6g}</text>',
        f'<text x="{_LEFT - 6}" y="{_TOP + height}" text-anchor="end">0</text>',
        f'<text x="{WIDTH - 10}" y="{HEIGHT - 6}" text-anchor="end">{seconds} s</text>',
    ]
    for number, (line, values) in enumerate(drawn):
        step = width / max(1, seconds - 1)
        points = " ".join(
            f"{_LEFT + second * step:.1f},{_TOP + height * (1 - value / most):.1f}"
            for second, value in enumerate(values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="1.5"/>')
        x = _LEFT + 10 + number * 150
        parts.append(f'<text x="{x}" y="{HEIGHT - 6}" fill="{line.colour}">{line.name} ({unit})</text>')
    return "\n".join([*parts, "</svg>"])
