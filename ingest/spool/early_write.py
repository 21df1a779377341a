"""
Have the kernel begin to write a file's new bytes without waiting for it: what Linux calls `sync_file_range`, which
Python does not offer.

It makes nothing safe and reports nothing; the sync that follows does both, and has less to wait for.
"""

from __future__ import annotations

import ctypes

_WRITE = 2
"""`SYNC_FILE_RANGE_WRITE` of Linux: neither waits for what is under way nor for what is begun."""

_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _sync_file_range is not None:
    _sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def begin_to_write(descriptor: int) -> None:
    """
    Have all of a file that is not on its disk yet sent there; nothing where the system cannot.
    """
    if _sync_file_range is not None:
        _sync_file_range(descriptor, 0, 0, _WRITE)
