"""
Builds what is served from `script.js`: `python -m ingest.tracker.build`, where Node is installed.

Nobody else needs Node: the built files are committed, and `built.json` says from which source, so that a test notices
a source that changed without them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

TERSER = "terser@5.51.2"
FOLDER = Path(__file__).parent
SOURCE = FOLDER / "script.js"
RECORD = FOLDER / "built.json"
FLAVOURS = {"script.min.js": "false", "script.full.min.js": "true"}
"""Built file -> whether it has every feature; what FULL says in the source."""

FILE_TYPES = (
    "pdf,xlsx,docx,txt,rtf,csv,exe,key,pps,ppt,pptx,7z,pkg,rar,gz,zip,avi,mov,mp4,mpeg,wmv,midi,mp3,wav,wma,dmg"
)
"""What is a download unless a site says otherwise. Source: https://plausible.io/docs/file-downloads-tracking"""


class BuildError(Exception):
    """
    Terser could not be run. The text says why.
    """


def build(*, offline: bool = False) -> dict[str, bytes]:
    """
    Minify the source into each flavour.

    Args:
        offline: use only what npm has already fetched.

    Raises:
        BuildError: npx is missing, or terser cannot be fetched or refuses the source.
    """
    return {name: _minify(full, offline) for name, full in FLAVOURS.items()}


def source_sha256() -> str:
    """
    Tell which source the built files must come from.
    """
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def _minify(full: str, offline: bool) -> bytes:
    source = SOURCE.read_text(encoding="utf-8")
    command = ["npx", "--yes", *(["--offline"] if offline else []), TERSER]
    command += ["--ecma", "2017", "--compress", "passes=3,unsafe_arrows=true", "--mangle"]
    command += ["--define", f"FULL={full},FILE_TYPES={json.dumps(FILE_TYPES)}"]
    try:
        finished = subprocess.run(command, input=source.encode(), capture_output=True, check=False, timeout=120)  # noqa: S603  # fixed words only
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{TERSER} could not be run: {error}; install Node with npm") from None
    if finished.returncode != 0:
        raise BuildError(f"{TERSER} failed: {finished.stderr.decode(errors='replace').strip()}")
    return finished.stdout.strip() + b"\n"


def main() -> None:
    """
    Write the built files and the record of their source.
    """
    for name, body in build().items():
        (FOLDER / name).write_bytes(body)
    record = {"source_sha256": source_sha256(), "built_with": TERSER}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
