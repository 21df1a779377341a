"""
Static files under names that carry their content's hash, so that a browser may keep them for ever.

The same file has the same name and the same headers for everybody: a cache tag can tell nobody apart.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from dashboard.charts.world_map import world_shapes

STATIC_DIR = Path(__file__).parent.parent / "static"
WORLD = "world.svg"
HASH_CHARS = 12
CACHE_CONTROL = "public, max-age=31536000, immutable"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
ICON = "favicon.ico"
ROBOTS = """# Figures of private sites: nothing here is for search engines. The script is part of other pages.
User-agent: *
Allow: /js/
Disallow: /
"""
A_DAY = "public, max-age=86400"


@dataclass(frozen=True, slots=True)
class Asset:
    """
    One static file, ready to send.
    """

    name: str
    """Such as `app.0123456789ab.css`, relative to `/static/`."""
    media_type: str
    content: bytes
    packed: bytes
    """The content, compressed with gzip."""


@cache
def assets() -> dict[str, Asset]:
    """
    Read every static file once, by its plain name such as `vendor/htmx.js`.
    """
    found: dict[str, Asset] = {}
    files = [path for path in sorted(STATIC_DIR.rglob("*")) if path.suffix in MEDIA_TYPES]
    contents = {path.relative_to(STATIC_DIR).as_posix(): path.read_bytes() for path in files}
    # The shapes of all countries are most of a dashboard's weight: as a file of their own they are sent once.
    contents[WORLD] = world_shapes().encode()
    for plain, content in contents.items():
        stem, dot, suffix = plain.rpartition(".")
        suffix = dot + suffix
        digest = hashlib.sha256(content).hexdigest()[:HASH_CHARS]
        packed = gzip.compress(content, compresslevel=9, mtime=0)
        found[plain] = Asset(f"{stem}.{digest}{suffix}", MEDIA_TYPES[suffix], content, packed)
    return found


@cache
def _by_hashed_name() -> dict[str, Asset]:
    return {asset.name: asset for asset in assets().values()}


def static_file(request: Request) -> Response:
    """
    Answer `GET /static/{name}`; 404 for a name whose hash is not today's.
    """
    asset = _by_hashed_name().get(request.path_params["name"])
    if asset is None:
        return Response("no such file", status_code=404, media_type="text/plain")
    headers = {"Cache-Control": CACHE_CONTROL, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)


def icon_file(_request: Request) -> Response:
    """
    Answer `GET /favicon.ico`, which browsers ask for by themselves where no page names an icon: on JSON, for instance.
    """
    return Response(_icon(), media_type="image/vnd.microsoft.icon", headers={"Cache-Control": A_DAY})


def robots_file(_request: Request) -> Response:
    """
    Answer `GET /robots.txt`.
    """
    return Response(ROBOTS, media_type="text/plain", headers={"Cache-Control": A_DAY})


@cache
def _icon() -> bytes:
    return (STATIC_DIR / ICON).read_bytes()
