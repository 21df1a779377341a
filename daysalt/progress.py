"""
How long work tells of its progress, whoever shows it.
"""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """
    Takes progress: what is being done, how much of it is done, and how much there is (0: not known).
    """

    def __call__(self, what: str, done: int, total: int, /) -> None: ...
