"""
Rotation of the epoch and root keys: nothing is lost, a crash between two steps heals, old copies are of no use.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ingest.keys.keyring
from ingest.keys.keyring import KeyId, Keyring, KeyringError
from tests.clocks import FakeClock

SALT = KeyId("salt", "Etc/UTC", "2026-11-22")


def opened(tmp_path: Path, clock: FakeClock) -> Keyring:
    return Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)


def test_keys_outlive_both_rotations(tmp_path: Path, clock: FakeClock) -> None:
    """
    A key opens under the new epoch and the new root key, also after a restart.
    """
    keyring = opened(tmp_path, clock)
    key = keyring.get_or_make(SALT)
    keyring.rotate_root()
    keyring.rotate_epoch()

    assert (key, 2) == (keyring.get(SALT), keyring.epoch)
    keyring.close()
    again = opened(tmp_path, clock)
    assert (key, 2) == (again.get(SALT), again.epoch)
    assert KeyId("epoch", "keyring", "1") in [stone.id for stone in again.tombstones()]


@pytest.mark.parametrize("step", ["make_next_root_key", "write_keyring", "take_next_root_key"])
def test_a_crash_within_a_root_rotation_heals(
    tmp_path: Path, clock: FakeClock, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Killed after any step, the next start opens every key, with the old root key or the new one.
    """
    keyring = opened(tmp_path, clock)
    key = keyring.get_or_make(SALT)
    real = getattr(ingest.keys.keyring, step)

    def die(*arguments: object) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ingest.keys.keyring, step, die)
        with pytest.raises(KeyboardInterrupt):
            keyring.rotate_root()
    keyring.close()
    again = opened(tmp_path, clock)

    assert key == again.get(SALT)
    again.rotate_root()
    assert key == again.get(SALT)


def test_a_copy_from_before_needs_the_old_root_key(tmp_path: Path, clock: FakeClock) -> None:
    """
    A keyring stolen before the rotation does not open with the root key of after; with the old one it would (control).
    """
    keyring = opened(tmp_path, clock)
    key = keyring.get_or_make(SALT)
    stolen, control = tmp_path / "stolen", tmp_path / "control"
    for copy in (stolen, control):
        shutil.copytree(tmp_path / "keys", copy)
    keyring.rotate_root()
    (stolen / "root.key").unlink()
    shutil.copy(tmp_path / "keys" / "root.key", stolen / "root.key")

    with pytest.raises(KeyringError, match="does not open"):
        Keyring(stolen, stolen / "root.key", clock)
    assert key == Keyring(control, control / "root.key", clock).get(SALT)


def test_two_keepers_cannot_rotate_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """
    A keyring has one owner: the second one is told so, and nothing of the first is lost.
    """
    import subprocess
    import sys

    keyring = opened(tmp_path, clock)
    key = keyring.get_or_make(SALT)
    program = (
        "import sys; from pathlib import Path; from ingest.keys.keyring import Keyring, KeyringError\n"
        "from warehouse.clock import SystemClock\n"
        "keys = Path(sys.argv[1])\n"
        "try: Keyring(keys, keys / 'root.key', SystemClock()).rotate_epoch()\n"
        "except KeyringError as error: print(error)\n"
    )
    second = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "keys")], capture_output=True, text=True, check=False
    )

    assert "in use by another Daysalt process" in second.stdout
    assert (key, 1) == (keyring.get(SALT), keyring.epoch)
