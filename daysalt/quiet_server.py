"""
The web server of a child process, without the signals that are the child's own.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import uvicorn


class QuietServer(uvicorn.Server):
    """
    A uvicorn server that leaves signals to us: it would raise them again after its shutdown and end the process
    before the spool is closed.
    """

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
