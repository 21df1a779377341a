"""
The catalogue: every signal in the order in which reasons are told.
"""

from __future__ import annotations

from ingest.risk.findings import Group
from ingest.risk.signals import behaviour, client, counter, network, velocity

SIGNALS = (*network.SIGNALS, *client.SIGNALS, *velocity.SIGNALS, *behaviour.SIGNALS)
COUNTER_SIGNALS = counter.SIGNALS

GROUP_POINTS_MAX: dict[Group, int] = {
    "network": 30, "velocity": 35, "client": 70, "behaviour": 60, "content": 60,
}  # fmt: skip
"""No group counts for more, so that one kind of evidence said in several ways is not counted several times. Network and
velocity stay below the mark of 60: where somebody is, or how fast, never suffices for "automated"."""
