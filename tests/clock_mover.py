"""
A real server on another day: its programs are started with a wall clock that a test moves.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "moved_clock"


class ClockMover:
    """
    The wall clock of every program that the test starts from now on.
    """

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = tmp_path / "moved-clock"
        self._seconds = 0
        self._write()
        monkeypatch.setenv("MOVED_CLOCK", str(self._path))
        monkeypatch.setenv("PYTHONPATH", str(FOLDER))

    def set(self, moment: datetime) -> None:
        """
        Set it to a moment; it goes on from there.
        """
        self._seconds = round(moment.timestamp() - time.time())
        self._write()

    def move(self, seconds: int) -> None:
        """
        Move it forward, or back.
        """
        self._seconds += seconds
        self._write()

    def now_ms(self) -> int:
        """
        Tell what it says.
        """
        return round((time.time() + self._seconds) * 1000)

    def _write(self) -> None:
        # Whole at once: another program reads it at any moment.
        beside = self._path.with_suffix(".new")
        beside.write_text(str(self._seconds), encoding="ascii")
        beside.replace(self._path)
