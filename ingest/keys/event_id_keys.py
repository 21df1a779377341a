"""
The keys under which `event_id`s of batches are hashed: one for each UTC day, random, with a life of two days.

An id is hashed under the key of the day it is received and looked for under that key and the one of the day before,
so that a repeat is found across midnight. A key therefore lives one day and `AFTER_MS` more; then it is destroyed,
and what is left of an id cannot be computed again.
"""

from __future__ import annotations

from ingest.keys.day_keys import DayKeys

PURPOSE = "event_id"
AFTER_MS = 25 * 3600 * 1000
"""How long after its day a key lives: as long as a hash made in its last moment (contract, section 2)."""


class EventIdKeys(DayKeys):
    """
    The keys of event ids.
    """

    purpose = PURPOSE
    after_ms = AFTER_MS
