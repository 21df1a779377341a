"""
Fetches the clients of others, and axe-core to look at our pages: fixed versions, held against hashes, kept outside the
repository between runs.

`package.json` with its lock and `requirements.txt` say which. Nothing of them is part of the product.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FETCH_SECONDS_MAX = 100
MISMATCHES = ("EINTEGRITY", "DO NOT MATCH THE HASHES")
"""What the package managers say when a package is not the one that was pinned: a failure, never a reason to skip."""

_FOLDER = Path(__file__).parent


def browser_clients() -> Path:
    """
    Give the folder with the npm packages; skip the test when they cannot be fetched.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")

    def fetch(folder: Path) -> list[str]:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_FOLDER / name, folder)
        return [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]

    return _fetched("npm", [_FOLDER / "package-lock.json"], fetch) / "node_modules"


def server_clients() -> Path:
    """
    Give the folder with the Python packages, to be put on the path; skip the test when they cannot be fetched.
    """
    requirements = _FOLDER / "requirements.txt"

    def fetch(folder: Path) -> list[str]:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        return [*command, "--require-hashes", "-r", str(requirements), "--target", str(folder)]

    return _fetched("python", [requirements], fetch)


def _fetched(kind: str, pins: list[Path], fetch: Callable[[Path], list[str]]) -> Path:
    """
    Fetch into a folder named by what is pinned, unless it is there.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "daysalt-tests"
    digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()[:16]
    done = cache / f"{kind}-{digest}"
    if done.exists():
        return done
    half_done = cache / f"{kind}-{digest}.{os.getpid()}"
    half_done.mkdir(parents=True)
    try:
        ran = subprocess.run(
            fetch(half_done), capture_output=True, text=True, timeout=FETCH_SECONDS_MAX, check=False, cwd=half_done
        )
        assert not any(words in ran.stdout + ran.stderr for words in MISMATCHES), ran.stderr
        if ran.returncode != 0:
            pytest.skip(f"the packages in {pins[0].name} cannot be fetched: {ran.stderr.strip()[-300:]}")
        if not done.exists():
            half_done.rename(done)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the packages in {pins[0].name} were not fetched within {FETCH_SECONDS_MAX} seconds")
    finally:
        shutil.rmtree(half_done, ignore_errors=True)
    return done
