"""
`daysalt doctor --privacy`: each place where a destroyed key could survive is told, with what to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daysalt.checks.residue import check_backup_mark, check_core_dumps, check_hibernation, check_snapshots, check_swap
from warehouse.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"DAYSALT_DATA_DIR": str(tmp_path / "data"), "DAYSALT_KEYS_DIR": str(tmp_path / "keys")})


@pytest.mark.parametrize(
    ("kind", "source", "state", "told"),
    [
        ("ext4", "/dev/vda1", "well", "without snapshots of its own"),
        ("btrfs", "/dev/vda1", "unwell", "keep destroyed keys"),
        ("zfs", "pool/data", "unwell", "daysalt keys rotate --root"),
        ("xfs", "/dev/mapper/vg-root", "note", "logical volume"),
        ("tmpfs", "tmpfs", "well", "in memory"),
    ],
)
def test_snapshots(tmp_path: Path, settings: Settings, kind: str, source: str, state: str, told: str) -> None:
    """
    The file system of the keys directory decides, the nearest mount above it, not the root's.
    """
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 254:0 / / rw,relatime - overlay overlay rw\n"
        f"30 22 0:40 / {tmp_path} rw,relatime shared:1 - {kind} {source} rw\n"
        f"31 22 0:41 / {tmp_path}-other rw - btrfs /dev/vdb rw\n"
    )
    found = check_snapshots(settings, mounts)

    assert (state, True) == (found.state, told in found.finding)


def test_swap_and_hibernation(tmp_path: Path, settings: Settings) -> None:
    """
    Swap on disk is unwell, compressed memory is not; hibernation counts where there is swap to write to.
    """
    swaps, disk = tmp_path / "swaps", tmp_path / "disk"
    head = "Filename Type Size Used Priority\n"
    states: list[tuple[str, str]] = []
    for line in ("", "/dev/zram0 partition 1 0 100\n", "/swapfile file 1 0 -2\n"):
        swaps.write_text(head + line)
        disk.write_text("[platform] shutdown\n")
        states.append((check_swap(settings, swaps).state, check_hibernation(settings, disk, swaps).state))
    disk.write_text("[disabled]\n")

    assert [("well", "well"), ("well", "note"), ("unwell", "note")] == states
    assert "well" == check_hibernation(settings, disk, swaps).state


def test_core_dumps_and_backups(tmp_path: Path, settings: Settings) -> None:
    """
    This system lets a process close its memory; an unmarked keys directory is told.
    """
    settings.keys_dir.mkdir()

    assert "well" == check_core_dumps(settings).state
    assert "unwell" == check_backup_mark(settings).state
