"""
Whether plain pageviews are read by compiled code (`ingest/plain_native.pyx`); whoever takes it asks here first.

`python -m ingest.compiled` says in one line what to do where they are not, and ends with 1 then.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

SOURCE = Path(__file__).with_name("plain_native.pyx")

_COST_AND_CURE = (
    "slower, nothing else. For compiled code install a C compiler and Python's headers"
    " (Debian, Ubuntu: apt-get install gcc python3-dev) and run make compile"
)


def is_compiled() -> bool:
    """
    Say whether the compiled code is there, for this Python, and of the source that lies beside it.
    """
    return not advice()


@lru_cache(1)
def advice() -> str:
    """
    Say why the compiled code is not taken and what to do; empty when it is taken.
    """
    try:
        from ingest.plain_native import COMPILED_OF
    except ImportError:
        return f"pageviews are read by Python, not by compiled code: {_COST_AND_CURE}"
    if COMPILED_OF != sha256(SOURCE.read_bytes()).hexdigest():
        return f"what was compiled is of another version, so pageviews are read by Python: {_COST_AND_CURE}"
    return ""


if __name__ == "__main__":
    sys.exit(advice() or 0)
