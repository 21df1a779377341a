"""
Linear counting: how many different things were seen, estimated from 64 bits, good up to some 150.

Source: Whang, Vander-Zanden, Taylor, "A linear-time probabilistic counting algorithm for database applications", 1990.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_MIX = np.uint64(0xBF58476D1CE4E5B9)


def bit_of(checksums: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """
    Give the one bit of 64 that stands for each thing.
    """
    return np.uint64(1) << ((checksums * _MIX) >> np.uint64(58))


def estimate(bits: int) -> int:
    """
    Estimate how many different things set these bits.
    """
    return _ESTIMATES[bits.bit_count()]


_ESTIMATES = (*(round(-64 * math.log(free / 64)) for free in range(64, 0, -1)), 266)
"""By the number of bits set; with all of them nothing can be told but that there are many."""
