"""
Checks of the machine: its clock, its Python, and whether it could compile.
"""

from __future__ import annotations

import sys
from pathlib import Path

from daysalt.checks.check import Check
from daysalt.commands.output import day_text
from ingest.compiled import advice
from warehouse.clock import SystemClock
from warehouse.settings import Settings

_RELEASED_MS = 1_788_220_800_000
"""2026-09-01: an earlier time means that the clock was never set."""

_AHEAD_MS_MAX = 60 * 60 * 1000
PYTHON_MIN = (3, 11)


def check_clock(settings: Settings) -> Check:
    """
    The wall clock is set: salts die by it.
    """
    now_ms = SystemClock().now_ms()
    if now_ms < _RELEASED_MS:
        return Check(
            "clock", "unwell", f"the clock says {day_text(now_ms)}, which is long past: set it, and keep it set"
        )
    # Whatever was written here before cannot be younger than now.
    newest = max((int(entry.stat().st_mtime * 1000) for entry in _written(settings)), default=0)
    if newest > now_ms + _AHEAD_MS_MAX:
        return Check(
            "clock", "unwell", f"files here were written on {day_text(newest)}, after now: was the clock set back?"
        )
    return Check("clock", "well", day_text(now_ms))


def check_python(settings: Settings) -> Check:
    """
    The Python is one this version runs on.
    """
    running = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < PYTHON_MIN:
        return Check("python", "unwell", f"this is Python {running}: use 3.11 or later")
    return Check("python", "well", running)


def check_compiled(settings: Settings) -> Check:
    """
    Pageviews are read by compiled code; without it all works, slower.
    """
    lacking = advice()
    return Check("compiled", "note", lacking) if lacking else Check("compiled", "well", "reading pageviews is compiled")


def _written(settings: Settings) -> list[Path]:
    return [path for path in settings.data_dir.iterdir() if path.is_file()] if settings.data_dir.is_dir() else []
