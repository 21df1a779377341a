"""
What comes first where a core is wanted by several: collecting, then the store, then the merges of its engine.
"""

from __future__ import annotations

import os
from pathlib import Path

STORE_NICENESS = 12
"""
A fifteenth of a collector's weight: acknowledging comes before storing. Niceness 19 took no less from a saturated
collector, as the drain rests in a storm, but left merges as much of the core as the drain.
"""
MERGE_NICENESS = 19
"""
A fifth of the drain's weight. Merges took a third of the core while a backlog was carried, and what they merged was
merged again with the rest of it.
"""
MERGE_THREAD = "MergeMutate"
"""What the embedded engine calls these threads. It makes all it will ever have when it opens."""

_TASKS = Path("/proc/self/task")


def step_merges_back(tasks: Path = _TASKS) -> int:
    """
    Let the embedded engine's merges come after everything else of this process, on Linux. To be called when it is open.

    Returns:
        How many threads stepped back; 0 on another system, or with the store elsewhere.
    """
    stepped_back = 0
    if not tasks.is_dir():
        return 0
    for task in tasks.iterdir():
        try:
            if (task / "comm").read_text().strip() == MERGE_THREAD:
                # On Linux a niceness belongs to a thread. Source: setpriority(2), "C library/kernel differences".
                os.setpriority(os.PRIO_PROCESS, int(task.name), MERGE_NICENESS)
                stepped_back += 1
        except OSError:
            continue  # it ended, or a sandbox forbids it: then it is as nice as the rest
    return stepped_back
