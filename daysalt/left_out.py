"""
What a process does without: optional imports of its dependencies, which would only take memory.
"""

from __future__ import annotations

import sys


def leave_out(*packages: str) -> None:
    """
    Let packages look as if they were not installed, for this process. What is imported already stays.

    The engine's Python side imports pandas and pyarrow at its first insert, 75 MiB, to tell whether it was given a data
    frame; structlog imports rich, 5 MiB in each process, for tracebacks we write ourselves. All of them are optional
    there, and None in `sys.modules` is Python's way to say so.
    Source: https://docs.python.org/3/reference/import.html#the-module-cache
    """
    modules: dict[str, object] = sys.modules  # type: ignore[assignment]  # typeshed leaves out that None is allowed
    for package in packages:
        modules.setdefault(package, None)
