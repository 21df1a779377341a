"""
What every page, panel and API answer of the read side is given. It holds nothing secret.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from dashboard.importing import Importing
from dashboard.stats.memory import Memory
from warehouse.client import Warehouse
from warehouse.clock import Clock
from warehouse.registry.database import Registry
from warehouse.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """
    The read side's world, made once by the composition root.
    """

    warehouse: Warehouse
    registry: Registry
    clock: Clock
    settings: Settings
    importing: Importing | None = None
    """None where no store is: then nothing can be imported."""
    script_integrity: str = ""
    """Hash of the shared tracker script as `integrity` takes it; empty where no collector's files are."""
    resting: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Held by the drain while it carries a batch over; held here while rows of a site go."""
    memory: Memory = field(default_factory=Memory)
    """What was read and answered of days that are over."""
