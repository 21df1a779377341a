"""
Fetch the three front-end parts we ship, check them against their hashes, and write them into `static/vendor`.

Run by hand when a version changes: `python -m dashboard.vendor`. Uses npm as an ordinary client, so it follows the
machine's registry configuration; the sha512 below decides what is accepted. The same versions give the same bytes.
Never run at request time, and nobody who installs Daysalt needs npm.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

from babel.core import get_global

HERE = Path(__file__).parent
VENDOR_DIR = HERE / "static" / "vendor"
MAP_FILE = HERE / "charts" / "world.json"

MAP_WIDTH = 960
"""Width of the map's coordinate system; the height follows from the projection."""


@dataclass(frozen=True, slots=True)
class Package:
    """
    One npm package: exact version, integrity as the registry publishes it, and which files become which.
    """

    name: str
    version: str
    integrity: str
    files: tuple[tuple[str, str], ...]


UPLOT = Package(
    "uplot",
    "1.6.32",
    "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
    (("dist/uPlot.iife.min.js", "uplot.js"), ("dist/uPlot.min.css", "uplot.css"), ("LICENSE", "uplot.LICENSE.txt")),
)
HTMX = Package(
    "htmx.org",
    "2.0.11",
    "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
    (("dist/htmx.min.js", "htmx.js"), ("LICENSE", "htmx.LICENSE.txt")),
)
WORLD_ATLAS = Package(
    "world-atlas",
    "2.0.2",
    "sha512-IXfV0qwlKXpckz1FhwXVwKRjiIhOnWttOskm5CtxMsjgE/MXAYRHWJqgXOpM8IkcPBoXnyTU5lFHcYa5ChG0LQ==",
    (("LICENSE", "world-atlas.LICENSE.txt"),),
)

# Countries of the atlas without a numeric code, by name. Kosovo's XK is the code everyone uses (user-assigned).
CODE_BY_NAME = {"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO"}
# Nobody browses from there, and it would take a fifth of the picture.
LEFT_OUT = frozenset({"AQ"})


class Topology(TypedDict):
    """
    The parts of a TopoJSON file that are read here. Source: TopoJSON specification, section 2.
    """

    arcs: list[list[list[int]]]
    transform: dict[str, list[float]]
    objects: dict[str, Collection]


class Collection(TypedDict):
    """
    A TopoJSON geometry collection.
    """

    geometries: list[Geometry]


class Geometry(TypedDict, total=False):
    """
    One country: its numeric code, name, and rings as lists of arc numbers.
    """

    id: str
    type: str
    arcs: list[list[list[int]]] | list[list[int]]
    properties: dict[str, str]


class IntegrityError(Exception):
    """
    A package's bytes are not the ones we chose. Do not ship them; find out why.
    """


def fetch(package: Package) -> dict[str, bytes]:
    """
    Download a package and return its files by path without the leading `package/`.

    Raises:
        IntegrityError: the archive does not hash to `package.integrity`.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{package.name}@{package.version}", "--silent", "--pack-destination", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed words and our own constants
        archive = next(Path(folder).glob("*.tgz")).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.integrity:
        raise IntegrityError(f"{package.name} {package.version} hashes to {found}, expected {package.integrity}")
    contents: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            stream = tar.extractfile(member)
            if stream is not None:
                contents[member.name.partition("/")[2]] = stream.read()
    return contents


def world_paths(topology: Topology) -> dict[str, object]:
    """
    Turn the atlas into SVG path data by ISO alpha-2 code, in the Miller projection, which keeps Europe readable.

    Source: Snyder, "Map projections: a working manual", 1987, p. 88.

    Returns:
        `width`, `height` and `paths`; coordinates rounded to one decimal, relative moves.
    """
    arcs = _decoded_arcs(topology)
    rings: dict[str, list[list[tuple[float, float]]]] = {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        code = _code_of(geometry)
        if code in LEFT_OUT:
            continue
        polygons = geometry.get("arcs", [])
        if geometry.get("type") == "Polygon":
            polygons = [polygons]
        for polygon in polygons:
            for ring in polygon:
                points: list[tuple[float, float]] = []
                for number in ring:  # type: ignore[union-attr]  # a ring is a list of arc numbers at this depth
                    assert isinstance(number, int)
                    line = arcs[number] if number >= 0 else arcs[~number][::-1]
                    points.extend(line[1:] if points else line)
                for part in _cut(points):
                    rings.setdefault(code, []).append([_projected(*point) for point in part])
    return _fitted(rings)


def _decoded_arcs(topology: Topology) -> list[list[tuple[float, float]]]:
    scale, translate = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs: list[list[tuple[float, float]]] = []
    for arc in topology["arcs"]:
        x = y = 0
        line: list[tuple[float, float]] = []
        for step in arc:
            x, y = x + step[0], y + step[1]
            line.append((x * scale[0] + translate[0], y * scale[1] + translate[1]))
        arcs.append(line)
    return arcs


def _cut(ring: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    # The atlas is stitched for globes: Russia and Fiji run over the date line. Unroll, then cut at 180 degrees.
    unrolled, turn = [ring[0]], 0.0
    for before, point in pairwise(ring):
        step = point[0] - before[0]
        turn += -360.0 if step > 180 else 360.0 if step < -180 else 0.0
        unrolled.append((point[0] + turn, point[1]))
    parts: list[list[tuple[float, float]]] = []
    for shift in (-360.0, 0.0, 360.0):
        part = [(longitude + shift, latitude) for longitude, latitude in unrolled]
        for side in (1.0, -1.0):
            part = _clipped(part, side)
        if len(part) > 2:
            parts.append(part)
    return parts


def _clipped(ring: list[tuple[float, float]], side: float) -> list[tuple[float, float]]:
    # Sutherland-Hodgman against one meridian: keep what lies within 180 degrees on this side.
    kept: list[tuple[float, float]] = []
    for before, point in zip([ring[-1], *ring[:-1]] if ring else [], ring, strict=True):
        was_in, is_in = before[0] * side <= 180, point[0] * side <= 180
        if was_in != is_in:
            share = (180 * side - before[0]) / (point[0] - before[0])
            kept.append((180 * side, before[1] + share * (point[1] - before[1])))
        if is_in:
            kept.append(point)
    return kept


def _code_of(geometry: Geometry) -> str:
    name = geometry.get("properties", {}).get("name", "")
    if name in CODE_BY_NAME:
        return CODE_BY_NAME[name]
    aliases = get_global("territory_aliases")
    return str(aliases[geometry.get("id", "")][0])


def _projected(longitude: float, latitude: float) -> tuple[float, float]:
    return math.radians(longitude), -1.25 * math.log(math.tan(math.pi / 4 + 0.4 * math.radians(latitude)))


def _fitted(rings: dict[str, list[list[tuple[float, float]]]]) -> dict[str, object]:
    everything = [point for parts in rings.values() for ring in parts for point in ring]
    left, right = min(point[0] for point in everything), max(point[0] for point in everything)
    top, bottom = min(point[1] for point in everything), max(point[1] for point in everything)
    scale = MAP_WIDTH / (right - left)
    paths: dict[str, str] = {}
    for code in sorted(rings):
        text = ""
        for ring in rings[code]:
            points = [(round((x - left) * scale, 1), round((y - top) * scale, 1)) for x, y in ring]
            text += _path(points)
        paths[code] = text
    return {"width": MAP_WIDTH, "height": math.ceil((bottom - top) * scale), "paths": paths}


def _path(points: list[tuple[float, float]]) -> str:
    text = f"M{points[0][0]:g},{points[0][1]:g}l"
    steps: list[str] = []
    last = points[0]
    for point in points[1:-1]:
        step = (round(point[0] - last[0], 1), round(point[1] - last[1], 1))
        if step != (0.0, 0.0):
            steps.append(f"{step[0]:g},{step[1]:g}")
            last = point
    return text + " ".join(steps) + "z" if steps else ""


def main() -> None:
    """
    Write `static/vendor/*` and `charts/world.json`.
    """
    VENDOR_DIR.mkdir(parents=True, exist_ok=True)
    for package in (UPLOT, HTMX, WORLD_ATLAS):
        contents = fetch(package)
        for source, target in package.files:
            VENDOR_DIR.joinpath(target).write_bytes(contents[source])
        if package is WORLD_ATLAS:
            world = world_paths(json.loads(contents["countries-110m.json"]))
            MAP_FILE.write_text(json.dumps(world, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
