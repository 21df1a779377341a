"""
Builds what is served from `script.js` and `compat.js`: `python -m ingest.tracker.build`, where Node is installed.

Nobody else needs Node: the built files are committed, and `built.json` says from which source, so that a test notices
a source that changed without them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

TERSER = "terser@5.51.2"
TYPESCRIPT = "typescript@5.9.3"
"""Writes the compat build in the syntax of ES5; it checks nothing."""
FOLDER = Path(__file__).parent
SOURCE = FOLDER / "script.js"
RECORD = FOLDER / "built.json"
FLAVOURS = {"script.min.js": "false", "script.full.min.js": "true"}
"""Built file -> whether it has every feature; what FULL says in the source."""
COMPAT_SOURCE, COMPAT_BUILT = FOLDER / "compat.js", "script.compat.min.js"
COMPAT_PIECES = {
    "document.currentScript": "current",
    "target.closest && target.closest('a[href]')": "closestLink(target)",
    "link.pathname.endsWith(": "endsWith(link.pathname, ",
    "scrollY": "pageYOffset",
    "let track = async (name, given) => {": "let track = guarded((name, given) => {",
    "      reason = await send(payload)\n    } else reason = undefined\n"
    "    if (given.callback) given.callback(reason)\n  }":
    "      payload = send(payload)\n      if (given.callback) payload.then(given.callback)\n"
    "    } else if (given.callback) given.callback()\n  })",
}  # fmt: skip
"""Piece of the source, there exactly once -> what old browsers understand; the names are those of `compat.js`."""

FILE_TYPES = (
    "pdf,xlsx,docx,txt,rtf,csv,exe,key,pps,ppt,pptx,7z,pkg,rar,gz,zip,avi,mov,mp4,mpeg,wmv,midi,mp3,wav,wma,dmg"
)
"""What is a download unless a site says otherwise. Source: https://plausible.io/docs/file-downloads-tracking"""


class BuildError(Exception):
    """
    Terser or TypeScript could not be run. The text says why.
    """


def build(*, offline: bool = False) -> dict[str, bytes]:
    """
    Minify the source into each flavour.

    Args:
        offline: use only what npm has already fetched.

    Raises:
        BuildError: npx is missing, or a tool cannot be fetched or refuses the source.
    """
    source = SOURCE.read_bytes()
    built = {name: _minify(source, full, "2017", offline) for name, full in FLAVOURS.items()}
    return {**built, COMPAT_BUILT: _minify(_as_es5(_compat_source(), offline), "true", "5", offline)}


def source_sha256() -> str:
    """
    Tell which sources the built files must come from.
    """
    return hashlib.sha256(SOURCE.read_bytes() + COMPAT_SOURCE.read_bytes()).hexdigest()


def _compat_source() -> bytes:
    source = SOURCE.read_text(encoding="utf-8")
    for piece, other in COMPAT_PIECES.items():
        if source.count(piece) != 1:
            raise BuildError(f"{SOURCE.name} no longer has this piece exactly once: {piece}")
        source = source.replace(piece, other)
    # One function around both: what stands before the script is the script's own, and known to nobody else.
    return f";(() => {{\n{COMPAT_SOURCE.read_text(encoding='utf-8')}\n{source}\n}})()\n".encode()


def _as_es5(source: bytes, offline: bool) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "script.js")
        path.write_bytes(source)
        command = ["-p", TYPESCRIPT, "tsc", str(path), "--allowJs", "--checkJs", "false", "--target", "ES5"]
        _run([*command, "--lib", "ES2017,DOM", "--outDir", f"{folder}/built"], b"", offline)
        # The helpers that TypeScript adds must not become names of the page.
        return b";(function () {\n" + Path(folder, "built", "script.js").read_bytes() + b"\n})()\n"


def _minify(source: bytes, full: str, ecma: str, offline: bool) -> bytes:
    command = [TERSER, "--ecma", ecma, "--compress", "passes=3,unsafe_arrows=true", "--mangle"]
    command += ["--define", f"FULL={full},FILE_TYPES={json.dumps(FILE_TYPES)}"]
    return _run(command, source, offline).strip() + b"\n"


def _run(words: list[str], given: bytes, offline: bool) -> bytes:
    command = ["npx", "--yes", *(["--offline"] if offline else []), *words]
    try:
        finished = subprocess.run(command, input=given, capture_output=True, check=False, timeout=120)  # noqa: S603  # fixed words only
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{words[0]} could not be run: {error}; install Node with npm") from None
    if finished.returncode != 0:
        said = (finished.stderr or finished.stdout).decode(errors="replace").strip()
        raise BuildError(f"{' '.join(words[:3])} failed: {said}")
    return finished.stdout


def main() -> None:
    """
    Write the built files and the record of their source.
    """
    for name, body in build().items():
        (FOLDER / name).write_bytes(body)
    record = {"source_sha256": source_sha256(), "built_with": [TERSER, TYPESCRIPT]}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
