"""
Which visits were open at midnight: a small table in memory, shared by the collectors of a machine.

Within half an hour of a local midnight collectors note whom they saw. After midnight a visitor found here goes on
under the old salt; everybody else is counted anew. So no record ever holds a visitor's old and new id together, and
nothing of it is written to disk. The table is memory without a file behind it; it goes when the keeper goes.
"""

from __future__ import annotations

import struct

SLOTS = 1 << 17
PROBES = 8
SLOT = struct.Struct("<QQ")
"""Visitor id, epoch second it was last seen."""
TABLE_BYTES = SLOTS * SLOT.size


class OpenVisitTable:
    """
    Visitor id -> when it was last seen. Full neighbourhoods forget the longest silent one.

    Collectors write without a lock: a lost note costs at worst one visit being split at midnight.
    """

    def __init__(self, memory: bytearray | memoryview) -> None:
        """
        Args:
            memory: `TABLE_BYTES` of zeroed memory, the same for every collector.
        """
        self._memory = memoryview(memory)
        assert len(self._memory) == TABLE_BYTES

    def note(self, visitor_id: int, at: int) -> None:
        """
        Note that a visitor was seen, at epoch second `at`.
        """
        stale_slot, stale_at = visitor_id % SLOTS, 2**63
        for probe in range(PROBES):
            slot = (visitor_id + probe) % SLOTS
            known, seen = SLOT.unpack_from(self._memory, slot * SLOT.size)
            if known in (visitor_id, 0):
                stale_slot = slot
                # What a batch says of earlier must not hide that they were seen since.
                at = max(at, seen)
                break
            if seen < stale_at:
                stale_slot, stale_at = slot, seen
        SLOT.pack_into(self._memory, stale_slot * SLOT.size, visitor_id, at)

    def seen_since(self, visitor_id: int, since: int) -> bool:
        """
        Tell whether a visitor was noted at epoch second `since` or later.
        """
        for probe in range(PROBES):
            known, seen = SLOT.unpack_from(self._memory, (visitor_id + probe) % SLOTS * SLOT.size)
            if known == visitor_id:
                return seen >= since
            if known == 0:
                return False
        return False

    def wipe(self) -> None:
        """
        Forget everybody.
        """
        self._memory[:] = bytes(TABLE_BYTES)
