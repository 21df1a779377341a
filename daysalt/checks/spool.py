"""
Check of the spool: whether anything was set aside that nobody looked at.
"""

from __future__ import annotations

from daysalt.checks.check import Check
from daysalt.commands.output import bytes_text
from ingest.spool.inventory import list_lanes, list_set_aside
from warehouse.settings import Settings


def check_spool(settings: Settings) -> Check:
    """
    Nothing was refused by the warehouse or unreadable, and there is room.
    """
    aside = list_set_aside(settings.spool_dir)
    if aside:
        return Check(
            "spool", "unwell", f"{len(aside)} files were set aside: see `daysalt spool status`, then retry or discard"
        )
    waiting = sum(lane.bytes for lane in list_lanes(settings.spool_dir))
    if waiting > settings.spool_max_bytes // 2:
        return Check("spool", "unwell", f"{bytes_text(waiting)} wait for the warehouse: see whether it answers")
    return Check("spool", "well", f"{bytes_text(waiting)} wait for the warehouse, nothing was set aside")
