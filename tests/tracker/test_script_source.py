"""
What the tracker weighs and what it must not contain.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil

import pytest

from ingest.tracker import build
from ingest.tracker.scripts import ALWAYS, EVERYTHING, Script, make_script, script_answer

SMALL_BYTES_MAX = 1000
FULL_BYTES_MAX = 2000
COMPAT_BYTES_MAX = 3000
"""For browsers older than ES2017: what they lack has to be brought along."""
SOURCES = ("script.js", "script.min.js", "script.full.min.js")
COMPAT_SOURCES = ("compat.js", "script.compat.min.js")
COMPAT_MAY = {"a second way out", "code from text"}
"""An old browser has no fetch, no URL without an element, and waits for a request by the clock."""
EVERY_OPTION = {
    "data-domain": "a-site-with-a-name.example", "own": 1, "outboundLinks": 1, "fileDownloads": 1,
    "formSubmissions": 1, "hashBasedRouting": 1,
}  # fmt: skip

FORBIDDEN = {
    "a cookie": r"cookie",
    "storage": r"localStorage|sessionStorage|indexedDB|\bcaches\b|openDatabase|webkitRequestFileSystem|window\.name\b",
    "a worker": r"serviceWorker|SharedWorker|\bWorker\b|importScripts",
    "sendBeacon": r"sendBeacon",
    "code from text": r"\beval\b|new Function|setTimeout|setInterval|\.innerHTML|document\.write",
    "a device read": (
        r"navigator\.(?!webdriver\b)|screen\.|devicePixelRatio|getContext|AudioContext|RTCPeerConnection|measureText"
        r"|getTimezoneOffset|Intl\b|matchMedia|deviceMemory|hardwareConcurrency|userAgent|plugins|getBattery"
    ),
    "a second way out": r"XMLHttpRequest|WebSocket|EventSource|new Image|createElement|import\(",
    "an address of its own": r"https?:",
}


@pytest.mark.parametrize("name", ["script", "plausible", "daysalt", "script.pageleave", "script.revenue"])
def test_script_fits_in_its_byte_budget(name: str) -> None:
    """
    What most pages load, gzipped at level 9, is at most 1,000 bytes: pageviews, history, engagement, own events.
    """

    script = script_answer(f"/js/{name}.js")

    assert script is not None
    assert _gzip_bytes(script) <= SMALL_BYTES_MAX


def test_everything_fits_in_its_byte_budget() -> None:
    """
    Every variant there is, and a site's own script with all of it switched on, is at most 2,000 bytes.
    """

    extensions = sorted(EVERYTHING | ALWAYS)
    all_on = script_answer("/js/script." + ".".join(extensions) + ".js")
    singles = [script_answer(f"/js/script.{extension}.js") for extension in extensions]
    scripts = [script for script in (all_on, *singles, make_script(EVERY_OPTION)) if script is not None]

    assert len(scripts) == len(extensions) + 2
    assert max(map(_gzip_bytes, scripts)) <= FULL_BYTES_MAX


def test_compat_fits_in_its_byte_budget() -> None:
    """
    The build for old browsers, with every option of a site, is at most 3,000 bytes.
    """

    assert _gzip_bytes(make_script(EVERY_OPTION, compat=True)) <= COMPAT_BYTES_MAX


@pytest.mark.parametrize("source", COMPAT_SOURCES)
@pytest.mark.parametrize("what", sorted(FORBIDDEN.keys() - COMPAT_MAY))
def test_compat_stores_nothing_either(source: str, what: str) -> None:
    """
    The build for old browsers neither stores nor reads the device; it may only send in the old way.
    """

    code = (build.FOLDER / source).read_text(encoding="utf-8")
    code = re.sub(r"^\s*//.*$", "", code, flags=re.MULTILINE)
    code = re.sub(r"\"true\" ?== ?localStorage\.plausible_ignore", "", code)

    assert re.findall(FORBIDDEN[what], code) == []
    assert re.findall(r"WebSocket|EventSource|new Image|import\(|\beval\b|new Function|document\.write", code) == []


def test_compat_has_the_syntax_of_es5() -> None:
    """
    No arrow, block scope, template, default, spread, destructuring, async or promise: old browsers stop at them.
    """

    code = (build.FOLDER / "script.compat.min.js").read_text(encoding="utf-8")

    assert (
        re.findall(
            r"=>|`|\.\.\.|(?<!\.)\b(let|const|class|async|await|of|Promise|Symbol|Map|Set)\b|function\w*\([^)]*[={[]",
            code,
        )
        == []
    )
    assert code.startswith("!function(){")


def _gzip_bytes(script: Script) -> int:
    return len(gzip.compress(script.body, 9, mtime=0))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_script_contains_nothing_that_stores_or_fingerprints(source: str, what: str) -> None:
    """
    Neither the source nor what is built from it can store, read the device, or send by another way than fetch.
    """

    code = (build.FOLDER / source).read_text(encoding="utf-8")
    if source == "script.js":
        code = re.sub(r"^\s*//.*$", "", code, flags=re.MULTILINE)
    # The one exception: whether a site's owner asked not to be counted. Read, never written.
    code = re.sub(r"localStorage\.plausible_ignore ?== ?'true'|\"true\" ?== ?localStorage\.plausible_ignore", "", code)

    assert re.findall(FORBIDDEN[what], code) == []


@pytest.mark.parametrize("source", SOURCES)
def test_script_uses_no_syntax_newer_than_es2017(source: str) -> None:
    """
    No object spread, optional chaining, nullish operator, lookbehind or named group: old browsers would stop at them.
    """

    code = (build.FOLDER / source).read_text(encoding="utf-8")

    assert re.findall(r"\{\s*\.\.\.|\?\.[a-zA-Z(\[]|\?\?|\(\?<|\bcatch\s*\{|\basync\b.*\bfor await\b", code) == []


def test_built_files_come_from_the_source() -> None:
    """
    Whoever changes the source builds it too: `python -m ingest.tracker.build`.
    """

    record = json.loads(build.RECORD.read_text(encoding="utf-8"))

    assert {"source_sha256": build.source_sha256(), "built_with": [build.TERSER, build.TYPESCRIPT]} == record


def test_build_is_reproducible() -> None:
    """
    Building again gives the committed bytes, where Node and that version of terser are at hand.
    """

    if shutil.which("npx") is None:
        pytest.skip("Node is not installed")
    try:
        built = build.build(offline=True)
    except build.BuildError:
        pytest.skip(f"{build.TERSER} is not in npm's cache; `python -m ingest.tracker.build` fetches it")

    assert {name: (build.FOLDER / name).read_bytes() for name in (*build.FLAVOURS, build.COMPAT_BUILT)} == built
