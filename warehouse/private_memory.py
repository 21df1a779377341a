"""
Keeps this process's memory to itself: what is in it may be a salt, a key or an address.
"""

from __future__ import annotations

import ctypes
import resource
import sys

PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4
"""From linux/prctl.h."""


def keep_memory_private() -> None:
    """
    Let no crash write this process's memory anywhere, and nobody but root read it.

    Both are needed: a kernel that hands dumps to a program asks no limit (man 5 core), and what this process starts
    has the limit, but must say by itself that it is not to be dumped, as a new program begins without that.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def memory_is_private() -> bool:
    """
    Tell whether `keep_memory_private` was called here and holds.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    return soft == 0 and (sys.platform != "linux" or ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
