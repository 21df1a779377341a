"""
Serves the tracker from memory: `/js/script.js`, its other names and its variants.

Must never answer two visitors differently: one body and one tag per path, whoever asks, so that a cache holds nothing
that tells visitors apart. No cookie is ever set here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

NAMES = frozenset({"script", "plausible", "analytics", "p", "daysalt"})
"""File names that pages already embed, and our own."""
EVERYTHING = frozenset({
    "hash", "local", "manual", "outbound-links", "file-downloads", "tagged-events", "exclusions", "pageview-props",
    "dimensions",
})  # fmt: skip
"""Extensions whose feature only the full build has. `dimensions` is an old name of `pageview-props`."""
ALWAYS = frozenset({"revenue", "pageleave"})
"""Extensions whose feature (money of an event, engagement) every build has."""
COMPAT = "compat"
"""Extension of the build for browsers older than ES2017, which has every feature, too."""
CACHE_CONTROL = "public, max-age=86400, must-revalidate"
CONTENT_TYPE = "text/javascript; charset=utf-8"

_OPTIONS: dict[str, tuple[str, int | bool]] = {
    "hash": ("hashBasedRouting", 1),
    "local": ("captureOnLocalhost", 1),
    "manual": ("autoCapturePageviews", False),
    "outbound-links": ("outboundLinks", 1),
    "file-downloads": ("fileDownloads", 1),
}
"""Extension -> the option it sets, as `plausible.init` would. The others need none: classes and attributes do it."""
_FOLDER = Path(__file__).parent
_PATH_BYTES_MAX = 200
_OWN_PATH = re.compile(r"/js/pa-([0-9A-Za-z_-]{1,64})\.js")


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
    if name not in NAMES or len(asked) != len(extensions) or not asked <= EVERYTHING | ALWAYS | {COMPAT}:
        return None
    return _variant(bool(asked & EVERYTHING), asked.intersection(_OPTIONS), COMPAT in asked)


def shared_integrity() -> str:
    """
    Hash `/js/script.js` the way the attribute `integrity` of its tag takes it.

    Source: https://www.w3.org/TR/sri-2/
    """
    script = script_answer("/js/script.js")
    assert script is not None
    return "sha384-" + b64encode(hashlib.sha384(script.body).digest()).decode("ascii")


def script_reply(
    path: str, *, if_none_match: str = "", accept_encoding: str = "", own: Callable[[str], Script | None] | None = None
) -> Reply:
    """
    Answer `GET` or `HEAD` of a script; for `HEAD` leave the body away.

    Args:
        path: as for `script_answer`, or `/js/pa-<id>.js`.
        own: finds a site's own script by its id.
        if_none_match: that header, or empty.
        accept_encoding: that header, or empty.
    """
    script_id = _OWN_PATH.fullmatch(path)
    script = own(script_id[1]) if own is not None and script_id is not None else script_answer(path)
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
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if known & {script.etag.removeprefix("W/"), "*"}:
        return Reply(304, tuple(headers), b"")
    body = script.body
    if _accepts_gzip(accept_encoding):
        body = script.compressed
        headers.append((b"content-encoding", b"gzip"))
    return Reply(200, (*headers, (b"content-type", script.content_type.encode()), *_length(body)), body)


@lru_cache(maxsize=2 ** (len(_OPTIONS) + 2))  # every combination there is
def _variant(full: bool, asked: frozenset[str], compat: bool) -> Script:
    options = dict(_OPTIONS[extension] for extension in sorted(asked))
    return make_script(options if full or compat else None, compat=compat)


def make_script(options: Mapping[str, object] | None, *, compat: bool = False) -> Script:
    """
    Make a script of one of the builds.

    Args:
        options: of the full build, as `plausible.init` would take them; None for the small build, which has none.
        compat: the full build as old browsers understand it.
    """
    assert options is not None or not compat
    body = _build("script.min.js" if options is None else f"script.{'compat' if compat else 'full'}.min.js")
    if options is not None:
        assert body.count(b"OPTIONS") == 1
        body = body.replace(b"OPTIONS", _literal(options))
    return Script(
        body=body,
        # No time stamp in it: the same bytes on every machine and after every restart.
        compressed=gzip.compress(body, compresslevel=9, mtime=0),
        etag=f'W/"{hashlib.sha256(body).hexdigest()[:16]}"',
    )


@lru_cache(8)
def _build(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def _literal(options: Mapping[str, object]) -> bytes:
    # Plain names need no quotes, and `!1` is false.
    pairs = (
        f"{name if name.isalnum() else json.dumps(name)}:{'!1' if value is False else json.dumps(value)}"
        for name, value in options.items()
    )
    return ("{" + ",".join(pairs) + "}").encode("ascii")


def _accepts_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _length(body: bytes) -> tuple[tuple[bytes, bytes]]:
    return ((b"content-length", str(len(body)).encode()),)
