"""
Checks for places where a destroyed key could survive: swap, core dumps, backups of the keys directory.
"""

from __future__ import annotations

import resource
from pathlib import Path

from daysalt.checks.check import Check
from warehouse.settings import Settings

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
    A crash leaves no copy of memory behind.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    # A pipe takes dumps whatever the limit says (man 5 core).
    piped = pattern.exists() and pattern.read_text(encoding="utf-8").startswith("|")
    if soft == 0 and not piped:
        return Check("core dumps", "well", "off")
    if soft == 0:
        return Check(
            "core dumps",
            "note",
            "off for this shell, but the kernel hands dumps to a program; Daysalt turns them off itself",
        )
    return Check(
        "core dumps", "unwell", "a crash may write memory with keys to disk: start Daysalt under `ulimit -c 0`"
    )


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
