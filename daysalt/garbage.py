"""
How often collectors, store and risk process look for garbage: seldom, as neither beacons, batches nor checks leave any.
"""

from __future__ import annotations

import gc

GARBAGE_OBJECTS = 10_000
"""New containers between two looks for cycles, a millisecond or two each; by default it is 700."""
YOUNG_LOOKS, MIDDLE_LOOKS = 100, 100
"""Looks at the new ones between two at those that were left then, and so on; by default ten each."""


def settle_memory() -> None:
    """
    Take what was made at the start out of the garbage collector's rounds.

    A beacon leaves no cycles behind, but its containers are counted; walking all modules and what is remembered of
    20,000 addresses stood still for 60 ms at a time, two fifths of a saturated second. The store's
    events, visits and columns are counted, too, and never in a circle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)
