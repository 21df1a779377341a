"""
The keyring: random keys, wrapped on disk under the root key, and tombstones of those destroyed.

Root key (a file of its own) -> epoch key (random, wrapped by the root key) -> keys (random, wrapped by an epoch key).
Nothing is derived from anything longer-lived, so a destroyed key cannot be computed again. A key is on disk before
its first use, and a tombstone outlives it, so that it cannot be made a second time.

Wrapping is AES-256-GCM with the key's whole metadata bound to it: a wrapped key cannot be moved to another day.
"""

from __future__ import annotations

import os
import secrets
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag

from ingest.keys.keyring_file import (
    KeyId,
    KeyringState,
    Tombstone,
    WrappedKey,
    bound_to,
    bound_to_epoch,
    key_check,
    read_keyring,
    unwrap,
    wrap,
    write_keyring,
)
from ingest.keys.keys_directory import (
    KEY_BYTES,
    KeyringError,
    lock_directory,
    make_directory,
    make_next_root_key,
    next_root_key,
    read_root_key,
    take_next_root_key,
)
from warehouse.clock import Clock

__all__ = ["KeyDestroyed", "KeyId", "Keyring", "KeyringError", "Tombstone"]

TOMBSTONE_DAYS = 400
"""How long a tombstone is kept; the calendar's high-water mark refuses days that old anyway."""

_DAY_MS = 86_400_000


class KeyDestroyed(KeyringError):
    """
    The key asked for was destroyed and is not made again.
    """


class Keyring:
    """
    The keys of one installation. One process holds it open: the keeper.
    """

    def __init__(
        self, directory: Path, root_key_file: Path, clock: Clock, *, lock_descriptor: int | None = None
    ) -> None:
        """
        Open the keyring, or make it on first start.

        Args:
            lock_descriptor: the lock, held already by the program that this process was before.

        Raises:
            KeyringError: wrong modes, damage, a root key that does not fit, or another process that has it open.
        """
        self._directory = directory
        self._path = directory / "keyring.json"
        self._clock = clock
        self._root_key_file = root_key_file
        self.deaths: Counter[str] = Counter()
        """How many keys of each purpose were destroyed since this program opened the keyring."""
        make_directory(directory)
        self.lock_descriptor = lock_directory(directory, lock_descriptor)
        self._lock = weakref.finalize(self, os.close, self.lock_descriptor)
        self._root = read_root_key(root_key_file, may_make=not self._path.exists())
        self._state = read_keyring(self._path)
        self._finish_root_rotation()
        self._epochs = {number: self._unwrap_epoch(number, text) for number, text in self._state.epochs.items()}
        if not self._epochs:
            self._add_epoch()

    @property
    def directory(self) -> Path:
        return self._directory

    def close(self) -> None:
        """
        Let another process have the keyring. A second call does nothing.
        """
        self._lock()

    @property
    def high_water_ms(self) -> int:
        """
        The latest wall time the keyring was written at, in epoch milliseconds UTC.
        """
        return self._state.high_water_ms

    def ids(self, purpose: str) -> list[KeyId]:
        """
        List the living keys of a purpose.
        """
        return [key.id for key in self._state.keys.values() if key.id.purpose == purpose]

    def get(self, key_id: KeyId) -> bytes | None:
        """
        Unwrap a living key; None when there is none.

        Raises:
            KeyringError: the wrapped key does not open: damaged, or moved from another day.
        """
        key = self._state.keys.get(str(key_id))
        return None if key is None else self._unwrap(key)

    def get_or_make(self, key_id: KeyId) -> bytes:
        """
        Unwrap a key, making it first if it never existed. On disk, and synced, before this returns.

        Raises:
            KeyDestroyed: it did exist.
            KeyringError: the keyring cannot be written.
        """
        return self.get_or_make_all([key_id])[0]

    def get_or_make_all(self, key_ids: Sequence[KeyId]) -> list[bytes]:
        """
        Do what `get_or_make` does for many keys, in their order, with one write: all of them are made or none.

        Raises:
            KeyDestroyed, KeyringError: as for `get_or_make`.
        """
        found: dict[str, bytes] = {}
        made: dict[str, WrappedKey] = {}
        now, epoch = self._clock.now_ms(), max(self._epochs)
        for key_id in key_ids:
            name = str(key_id)
            plain = found.get(name) or self.get(key_id)
            if plain is None:
                if name in self._state.tombstones:
                    raise KeyDestroyed(f"the key {key_id} was destroyed and is not made again; is the clock right?")
                plain = secrets.token_bytes(KEY_BYTES)
                made[name] = WrappedKey(key_id, epoch, wrap(self._epochs[epoch], plain, bound_to(key_id, epoch)), now)
            found[name] = plain
        if made:
            self._save(replace(self._state, keys={**self._state.keys, **made}))
        return [found[str(key_id)] for key_id in key_ids]

    def destroyed(self, key_id: KeyId) -> bool:
        """
        Tell whether a key existed and was destroyed.
        """
        return str(key_id) in self._state.tombstones

    def destroy(self, key_id: KeyId) -> bool:
        """
        Remove a key for good and leave a tombstone, synced before this returns.

        Returns:
            False when there was no such key; then nothing changed.
        """
        return self.destroy_all([key_id]) == [key_id]

    def destroy_all(self, key_ids: Sequence[KeyId], mark: KeyId | None = None) -> list[KeyId]:
        """
        Destroy many keys with one write, all or none.

        Args:
            mark: leave this one tombstone in place of one for each key; who makes such keys must ask for it.

        Returns:
            Those that there were. The mark is left in any case.
        """
        due = [key_id for key_id in key_ids if str(key_id) in self._state.keys]
        left = {str(key_id) for key_id in ([mark] if mark else due)}
        if not due and left <= self._state.tombstones.keys():
            return []
        gone = {str(key_id) for key_id in due}
        keys = {name: key for name, key in self._state.keys.items() if name not in gone}
        now = self._clock.now_ms()
        stones = [Tombstone(mark, 0, now, "")] if mark else [self._tombstone(key_id, now) for key_id in due]
        self._save(replace(self._state, keys=keys, tombstones=self._tombstones_and(stones)))
        self.deaths.update(key_id.purpose for key_id in due)
        return due

    def tombstones(self) -> list[Tombstone]:
        """
        List what is left of the keys destroyed in the last 400 days, oldest first.
        """
        return sorted(self._state.tombstones.values(), key=lambda stone: stone.destroyed_ms)

    def created_ms(self, key_id: KeyId) -> int | None:
        """
        Tell when a living key was made, epoch milliseconds UTC; None when there is none.
        """
        key = self._state.keys.get(str(key_id))
        return None if key is None else key.created_ms

    @property
    def epoch(self) -> int:
        """
        The number of the epoch whose key wraps new keys.
        """
        return max(self._epochs)

    @property
    def living(self) -> dict[str, int]:
        """
        How many keys of each purpose live.
        """
        counts: dict[str, int] = {}
        for key in self._state.keys.values():
            counts[key.id.purpose] = counts.get(key.id.purpose, 0) + 1
        return counts

    def rotate_epoch(self) -> KeyId:
        """
        Wrap every living key under a new epoch key and destroy the old one, in one replacement of the file.

        Returns:
            The id of the epoch key that is gone; it leaves a tombstone as every key does.

        Raises:
            KeyringError: a key does not open, or the keyring cannot be written; then nothing changed.
        """
        old, number = self.epoch, self.epoch + 1
        epoch_key = secrets.token_bytes(KEY_BYTES)
        keys = {
            name: replace(key, epoch=number, wrapped=wrap(epoch_key, self._unwrap(key), bound_to(key.id, number)))
            for name, key in self._state.keys.items()
        }
        now = self._clock.now_ms()
        gone = Tombstone(KeyId("epoch", "keyring", str(old)), 0, now, key_check(self._epochs[old]))
        epochs = {number: wrap(self._root, epoch_key, bound_to_epoch(number))}
        self._save(replace(self._state, epochs=epochs, keys=keys, tombstones=self._tombstones_and([gone])))
        self._epochs = {number: epoch_key}
        self.deaths[gone.id.purpose] += 1
        return gone.id

    def rotate_root(self) -> None:
        """
        Make a new root key, wrap the epoch keys under it and put it in the place of the old one.

        A crash between the steps is healed by the next start: the new key lies beside the old one until it is used.

        Raises:
            KeyringError: the root key's directory or the keyring cannot be written; the old root key is still good.
        """
        root = make_next_root_key(self._root_key_file)
        epochs = {number: wrap(root, key, bound_to_epoch(number)) for number, key in self._epochs.items()}
        self._save(replace(self._state, epochs=epochs))
        self._root = root
        take_next_root_key(self._root_key_file)

    def check_writable(self) -> None:
        """
        See, without writing, whether a key could be made or destroyed now.

        Raises:
            KeyringError: the directory is gone, not a directory any more, or read-only.
        """
        if not self._path.is_file():
            raise KeyringError(f"{self._path} is gone: put it back, or keys are lost with the next start")
        if not os.access(self._directory, os.W_OK | os.X_OK) or not os.access(self._path, os.W_OK):
            raise KeyringError(f"{self._path} cannot be written: make the keys directory writable for this user")

    def _add_epoch(self) -> None:
        plain = secrets.token_bytes(KEY_BYTES)
        # On disk first: a key wrapped under an epoch key that is nowhere would be lost.
        self._save(replace(self._state, epochs={1: wrap(self._root, plain, bound_to_epoch(1))}))
        self._epochs = {1: plain}

    def _finish_root_rotation(self) -> None:
        root = next_root_key(self._root_key_file)
        if root is None or not self._state.epochs:
            return
        number, text = max(self._state.epochs.items())
        try:
            unwrap(root, text, bound_to_epoch(number))
        except InvalidTag:
            return  # the rotation stopped before the keyring was written: the old root key is still the one
        self._root = root
        take_next_root_key(self._root_key_file)

    def _unwrap_epoch(self, number: int, text: str) -> bytes:
        try:
            return unwrap(self._root, text, bound_to_epoch(number))
        except InvalidTag:
            raise KeyringError(
                f"the root key does not open the keyring in {self._directory}: give the root key it was made with "
                "(DAYSALT_ROOT_KEY_FILE), or move the directory away to start with new keys"
            ) from None

    def _unwrap(self, key: WrappedKey) -> bytes:
        try:
            return unwrap(self._epochs[key.epoch], key.wrapped, bound_to(key.id, key.epoch))
        except (InvalidTag, KeyError):
            raise KeyringError(f"the key {key.id} in {self._path} does not open: the file is damaged") from None

    def _tombstone(self, key_id: KeyId, now_ms: int) -> Tombstone:
        key = self._state.keys[str(key_id)]
        try:
            check = key_check(self._unwrap(key))
        except KeyringError:
            check = ""  # a damaged key must be able to die, too
        return Tombstone(key_id, key.created_ms, now_ms, check)

    def _tombstones_and(self, stones: Sequence[Tombstone]) -> dict[str, Tombstone]:
        oldest = self._clock.now_ms() - TOMBSTONE_DAYS * _DAY_MS
        kept = {name: old for name, old in self._state.tombstones.items() if old.destroyed_ms >= oldest}
        return {**kept, **{str(stone.id): stone for stone in stones}}

    def _save(self, state: KeyringState) -> None:
        state = replace(state, high_water_ms=max(state.high_water_ms, self._clock.now_ms()))
        write_keyring(self._path, state)
        self._state = state
