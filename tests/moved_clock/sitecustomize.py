"""
Moves the wall clock of every Python program that is started with this folder in PYTHONPATH, by the seconds that the
file named in MOVED_CLOCK says. Monotonic time goes on as it is. For tests only: nothing in the product reads either.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_real_ns = time.time_ns
_path = Path(os.environ.get("MOVED_CLOCK", ""))
_read: tuple[int, int] = (0, 0)


def _moved_ns() -> int:
    global _read
    try:
        changed = _path.stat().st_mtime_ns
    except OSError:
        return _real_ns() + _read[1]
    if changed != _read[0]:
        _read = changed, int(_path.read_text(encoding="ascii")) * 1_000_000_000
    return _real_ns() + _read[1]


def _moved() -> float:
    return _moved_ns() / 1e9


if "MOVED_CLOCK" in os.environ:
    time.time_ns = _moved_ns
    time.time = _moved
