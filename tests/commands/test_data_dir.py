"""
The data directory and its lock.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from warehouse.data_dir import DataDirError, DataDirInUse, lock_data_dir, write_private


def test_the_directory_has_one_owner_at_a_time(tmp_path: Path) -> None:
    """A second taker is told so; after release it is free again."""
    path = tmp_path / "new" / "data"
    lock = lock_data_dir(path)
    assert 0o700 == stat.S_IMODE(path.stat().st_mode)
    with pytest.raises(DataDirInUse, match="is in use by another Daysalt process: stop that one"):
        lock_data_dir(path)
    lock.release()
    lock.release()

    with lock_data_dir(path) as again:
        assert path == again.path


def test_an_open_directory_is_closed(tmp_path: Path) -> None:
    """A directory that others could enter is ours alone once it is in use."""
    tmp_path.chmod(0o755)
    lock_data_dir(tmp_path).release()

    assert 0o700 == stat.S_IMODE(tmp_path.stat().st_mode)


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    """A file in the way, or above, is named with the setting that helps."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(DataDirError, match=r"is not a directory: .* DAYSALT_DATA_DIR"):
            lock_data_dir(path)


def test_a_directory_that_cannot_be_written_is_refused() -> None:
    """Where nothing can be made, the sentence says why."""
    with pytest.raises(DataDirError, match=r"cannot be used .*: make it writable for this user"):
        lock_data_dir(Path("/proc/daysalt"))


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    """Only the owner reads it, and no half of it is left beside it."""
    for text in ("one", "two"):
        write_private(tmp_path / "token", text)

    assert ("two", 0o600) == ((tmp_path / "token").read_text(), stat.S_IMODE((tmp_path / "token").stat().st_mode))
    assert [tmp_path / "token"] == list(tmp_path.iterdir())
