"""
Whose batch a number is: the drain's, or an import's or seed's.
"""

from __future__ import annotations

DRAIN_BATCHES_BELOW = 2**62
"""Batch numbers of the drain lie below; those of imports and seeds from here upward, so that they never meet."""
