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
from ingest.tracker.scripts import script_answer

GZIP_BYTES_MAX = 1000
SOURCES = ("script.js", "script.min.js", "script.pageview-props.min.js")

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


@pytest.mark.parametrize("name", ["script", "plausible", "daysalt", "script.hash", "script.local", "script.manual"])
def test_script_fits_in_its_byte_budget(name: str) -> None:
    """
    What is served, gzipped at level 9, is at most 1,000 bytes: pageviews, events, history, engagement and all.
    """

    script = script_answer(f"/js/{name}.js")

    assert script is not None
    assert len(gzip.compress(script.body, 9, mtime=0)) <= GZIP_BYTES_MAX


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_script_contains_nothing_that_stores_or_fingerprints(source: str, what: str) -> None:
    """
    Neither the source nor what is built from it can store, read the device, or send by another way than fetch.
    """

    code = (build.FOLDER / source).read_text(encoding="utf-8")
    if source == "script.js":
        code = re.sub(r"^\s*//.*$", "", code, flags=re.MULTILINE)

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

    assert {"source_sha256": build.source_sha256(), "built_with": build.TERSER} == record


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

    assert {name: (build.FOLDER / name).read_bytes() for name in build.FLAVOURS} == built
