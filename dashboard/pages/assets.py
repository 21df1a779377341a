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

STATIC_DIR = Path(__file__).parent.parent / "static"
HASH_CHARS = 12
CACHE_CONTROL = "public, max-age=31536000, immutable"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}


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
    for path in sorted(STATIC_DIR.rglob("*")):
        if path.suffix not in MEDIA_TYPES:
            continue
        content = path.read_bytes()
        plain = path.relative_to(STATIC_DIR).as_posix()
        stem, suffix = plain.removesuffix(path.suffix), path.suffix
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
