"""
Serves the tracker from memory: `/js/script.js`, its other names and its variants.

Must never answer two visitors differently: one body and one tag per path, whoever asks, so that a cache holds nothing
that tells visitors apart. No cookie is ever set here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

NAMES = frozenset({"script", "plausible", "analytics", "daysalt"})
"""File names that pages already embed, and our own."""
PRESENT = frozenset({"hash", "local", "manual", "revenue", "pageview-props", "pageleave"})
"""Extensions whose feature the script has. Revenue and pageleave (engagement) need no variant: always in."""
LATER = frozenset({"outbound-links", "file-downloads", "tagged-events", "exclusions", "compat"})
"""Known extensions without their feature so far: the script is served, so that pageviews count."""
CACHE_CONTROL = "public, max-age=86400, must-revalidate"
CONTENT_TYPE = "text/javascript; charset=utf-8"

_OPTIONS = {"hash": "hash", "local": "allowLocalhost", "manual": "manual"}
"""Extension -> the option, named as in `dataset`, that it sets as an attribute would."""
_FOLDER = Path(__file__).parent
_PATH_BYTES_MAX = 200


@dataclass(frozen=True, slots=True)
class Script:
    """
    One answer. The same for everybody.
    """

    body: bytes
    compressed: bytes
    """`body`, gzipped."""
    etag: str
    """Weak, quoted, of the content: it stands for both encodings."""
    later: tuple[str, ...] = ()
    """Extensions of the asked name whose feature this version does not have."""
    content_type: str = CONTENT_TYPE
    cache_control: str = CACHE_CONTROL


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What goes on the wire. Header names in lower case.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


def script_answer(path: str) -> Script | None:
    """
    Find the script for a path.

    Args:
        path: of the request, without base path and query, such as `/js/script.hash.js`.

    Returns:
        None when there is no such script: answer 404.
    """
    if len(path) > _PATH_BYTES_MAX or not path.startswith("/js/") or not path.endswith(".js"):
        return None
    name, *extensions = path.removeprefix("/js/").removesuffix(".js").split(".")
    asked = frozenset(extensions)
    if name not in NAMES or len(asked) != len(extensions) or not asked <= PRESENT | LATER:
        return None
    return _variant(asked & (_OPTIONS.keys() | {"pageview-props"}), asked & LATER)


def script_reply(path: str, *, if_none_match: str = "", accept_encoding: str = "") -> Reply:
    """
    Answer `GET` or `HEAD` of a script; for `HEAD` leave the body away.

    Args:
        path: as for `script_answer`.
        if_none_match: that header, or empty.
        accept_encoding: that header, or empty.
    """
    script = script_answer(path)
    if script is None:
        body = b"There is no such script here; /js/script.js is the one to use.\n"
        return Reply(404, ((b"content-type", b"text/plain; charset=utf-8"), *_length(body)), body)
    headers = [
        (b"etag", script.etag.encode()),
        (b"cache-control", script.cache_control.encode()),
        (b"vary", b"accept-encoding"),
        # Any page may load it, also one that isolates itself (Cross-Origin-Embedder-Policy).
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if script.later:
        headers.append((b"x-daysalt-not-yet", ",".join(script.later).encode()))
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if known & {script.etag.removeprefix("W/"), "*"}:
        return Reply(304, tuple(headers), b"")
    body = script.body
    if _accepts_gzip(accept_encoding):
        body = script.compressed
        headers.append((b"content-encoding", b"gzip"))
    return Reply(200, (*headers, (b"content-type", script.content_type.encode()), *_length(body)), body)


@lru_cache(maxsize=2 ** (len(_OPTIONS) + 1 + len(LATER)))  # every combination there is
def _variant(asked: frozenset[str], later: frozenset[str]) -> Script:
    flavour = "script.pageview-props.min.js" if "pageview-props" in asked else "script.min.js"
    options = {_OPTIONS[extension]: 1 for extension in sorted(asked & _OPTIONS.keys())}
    built = (_FOLDER / flavour).read_bytes()
    assert built.count(b"VARIANT") == 1
    body = built.replace(b"VARIANT", json.dumps(options, separators=(",", ":")).replace('"', "").encode())
    return Script(
        body=body,
        # No time stamp in it: the same bytes on every machine and after every restart.
        compressed=gzip.compress(body, compresslevel=9, mtime=0),
        etag=f'W/"{hashlib.sha256(body).hexdigest()[:16]}"',
        later=tuple(sorted(later)),
    )


def _accepts_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _length(body: bytes) -> tuple[tuple[bytes, bytes]]:
    return ((b"content-length", str(len(body)).encode()),)
