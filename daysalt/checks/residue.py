"""
Checks for places where a destroyed key could survive: swap, core dumps, snapshots and backups of the keys directory,
logs of statements.
"""

from __future__ import annotations

from pathlib import Path

from daysalt.checks.check import Check
from daysalt.commands.store import Answer, stored, with_store
from warehouse.client import Warehouse
from warehouse.private_memory import keep_memory_private, memory_is_private
from warehouse.settings import Settings
from warehouse.table_search import query_logs

SNAPSHOT_KINDS = frozenset({"btrfs", "zfs", "bcachefs", "nilfs2"})
"""File systems that keep old blocks on purpose."""

_TAG_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
"""https://bford.info/cachedir/: backup programs leave out a directory with this mark."""


def check_swap(settings: Settings, swaps: Path = Path("/proc/swaps")) -> Check:
    """
    Memory is not written to disk; compressed memory (zram) is memory.
    """
    if not swaps.exists():
        return Check("swap", "note", "this system does not say whether it swaps: see that swap is off or encrypted")
    lines = swaps.read_text(encoding="utf-8").splitlines()[1:]
    on = [line.split()[0] for line in lines if line.strip() and not line.startswith("/dev/zram")]
    if on:
        return Check(
            "swap",
            "unwell",
            f"swap is on ({', '.join(on)}), so keys may be written to disk: run `swapoff -a`, or encrypt it",
        )
    return Check("swap", "well", "no swap on disk")


def check_core_dumps(settings: Settings, pattern: Path = Path("/proc/sys/kernel/core_pattern")) -> Check:
    """
    A crash leaves no copy of memory behind: tried on this process, which is closed as every one of Daysalt's is.
    """
    keep_memory_private()
    if memory_is_private():
        return Check("core dumps", "well", "no process of Daysalt can be dumped, whatever limits and kernel say")
    piped = pattern.exists() and pattern.read_text(encoding="utf-8").startswith("|")
    return Check(
        "core dumps",
        "unwell",
        "this system does not let a process close its memory, so a crash may write keys to disk: "
        + ("mind the program that the kernel hands dumps to" if piped else "start Daysalt under `ulimit -c 0`"),
    )


def check_snapshots(settings: Settings, mounts: Path = Path("/proc/self/mountinfo")) -> Check:
    """
    The keys do not lie where old blocks are kept: a snapshot has the keys that died after it.
    """
    name = "snapshots"
    if not mounts.exists():
        return Check(name, "note", "this system does not name its mounts: see that no snapshot has the keys directory")
    kind, source = _mount_of(settings.keys_dir, mounts.read_text(encoding="utf-8").splitlines())
    if kind in SNAPSHOT_KINDS:
        return Check(
            name,
            "unwell",
            f"{settings.keys_dir} lies on {kind}, whose snapshots keep destroyed keys: put it on a file system without "
            "snapshots (DAYSALT_KEYS_DIR), or exclude it from them, and rotate the root key after each "
            "(`daysalt keys rotate --root`)",
        )
    if source.startswith(("/dev/mapper/", "/dev/dm-")):
        return Check(
            name,
            "note",
            f"{settings.keys_dir} lies on a logical volume ({source}): a snapshot of it keeps destroyed keys; make "
            "none, or run `daysalt keys rotate --root` after each",
        )
    if kind in ("tmpfs", "ramfs"):
        return Check(name, "well", f"{settings.keys_dir} lies in memory; a restart of the machine ends all keys")
    return Check(
        name,
        "well",
        f"{settings.keys_dir} lies on {kind or 'a file system'} without snapshots of its own; mind those of a host",
    )


def check_hibernation(
    settings: Settings, state: Path = Path("/sys/power/disk"), swaps: Path = Path("/proc/swaps")
) -> Check:
    """
    The machine does not write its whole memory to disk.
    """
    able = state.exists() and "[disabled]" not in state.read_text(encoding="utf-8")
    swapping = swaps.exists() and len(swaps.read_text(encoding="utf-8").splitlines()) > 1
    if able and swapping:
        return Check(
            "hibernation",
            "note",
            "this machine could hibernate, which writes all memory to swap: do not let it, or encrypt swap",
        )
    return Check("hibernation", "well", "off, or there is no swap to write memory to")


def check_query_logs(settings: Settings) -> Check:
    """
    The store keeps no log of statements.
    """
    if not stored(settings):
        return Check("query logs", "note", "nothing is stored yet")

    def alone(warehouse: Warehouse) -> Answer:
        return {"logs": query_logs(warehouse)}

    logs: list[str] = with_store(settings, alone, "query_logs")["logs"]
    if logs:
        return Check(
            "query logs",
            "unwell",
            f"the store writes {', '.join(logs)}: no statement of Daysalt holds an address, but others' may; remove "
            "them as deploy/clickhouse/server.xml does, and drop the tables",
        )
    return Check("query logs", "well", "the store writes none")


def _mount_of(path: Path, lines: list[str]) -> tuple[str, str]:
    """
    Find type and source of the file system that a path lies on, from the lines of mountinfo.
    """
    real = path.resolve()
    best, found = -1, ("", "")
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        if (real == point or point in real.parents) and len(point.parts) >= best:
            kind, source = after.split()[:2]
            best, found = len(point.parts), (kind, source)
    return found


def check_backup_mark(settings: Settings) -> Check:
    """
    Backup programs are told to leave the keys out.
    """
    path = settings.keys_dir / "CACHEDIR.TAG"
    if not settings.keys_dir.exists():
        return Check(
            "backup mark", "note", f"{settings.keys_dir} does not exist yet; the first start makes and marks it"
        )
    if not path.is_file() or not path.read_text(encoding="utf-8", errors="replace").startswith(_TAG_SIGNATURE):
        return Check(
            "backup mark", "unwell", f"{path} is missing, so backups may copy keys: start the server once, it makes it"
        )
    return Check("backup mark", "well", f"{settings.keys_dir} is marked to be left out of backups")
