"""
The keyring: random keys, wrapped on disk under the root key, and tombstones of those destroyed.

Root key (a file of its own) -> epoch key (random, wrapped by the root key) -> keys (random, wrapped by an epoch key).
Nothing is derived from anything longer-lived, so a destroyed key cannot be computed again. A key is on disk before
its first use, and a tombstone outlives it, so that it cannot be made a second time.

Wrapping is AES-256-GCM with the key's whole metadata bound to it: a wrapped key cannot be moved to another day.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.keys.keys_directory import KEY_BYTES, KeyringError, lock_directory, make_directory, read_root_key
from warehouse.clock import Clock
from warehouse.data_dir import write_private

NONCE_BYTES = 12
SCHEMA = 1
TOMBSTONE_DAYS = 400
"""How long a tombstone is kept; the calendar's high-water mark refuses days that old anyway."""

_DAY_MS = 86_400_000


class KeyDestroyed(KeyringError):
    """
    The key asked for was destroyed and is not made again.
    """


@dataclass(frozen=True, slots=True)
class KeyId:
    """
    What a key is for. `scope` is a time zone for salts; `day` is an ISO date.
    """

    purpose: str
    scope: str
    day: str

    def __str__(self) -> str:
        return f"{self.purpose}:{self.scope}:{self.day}"


@dataclass(frozen=True, slots=True)
class _Wrapped:
    id: KeyId
    epoch: int
    wrapped: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class _State:
    epochs: dict[int, str]
    keys: dict[str, _Wrapped]
    tombstones: dict[str, int]
    high_water_ms: int


class Keyring:
    """
    The keys of one installation. One process holds it open: the keeper.
    """

    def __init__(self, directory: Path, root_key_file: Path, clock: Clock) -> None:
        """
        Open the keyring, or make it on first start.

        Raises:
            KeyringError: wrong modes, damage, a root key that does not fit, or another process that has it open.
        """
        self._directory = directory
        self._path = directory / "keyring.json"
        self._clock = clock
        make_directory(directory)
        weakref.finalize(self, os.close, lock_directory(directory))
        self._root = read_root_key(root_key_file, may_make=not self._path.exists())
        self._state = self._load()
        self._epochs = {number: self._unwrap_epoch(number, text) for number, text in self._state.epochs.items()}
        if not self._epochs:
            self._add_epoch()

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
        made: dict[str, _Wrapped] = {}
        now, epoch = self._clock.now_ms(), max(self._epochs)
        for key_id in key_ids:
            name = str(key_id)
            plain = found.get(name) or self.get(key_id)
            if plain is None:
                if name in self._state.tombstones:
                    raise KeyDestroyed(f"the key {key_id} was destroyed and is not made again; is the clock right?")
                plain = secrets.token_bytes(KEY_BYTES)
                made[name] = _Wrapped(key_id, epoch, _seal(self._epochs[epoch], plain, _bound(key_id, epoch)), now)
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
        oldest = now - TOMBSTONE_DAYS * _DAY_MS
        tombstones = {name: at for name, at in self._state.tombstones.items() if at >= oldest}
        self._save(replace(self._state, keys=keys, tombstones={**tombstones, **dict.fromkeys(left, now)}))
        return due

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
        number = max(self._epochs, default=0) + 1
        plain = secrets.token_bytes(KEY_BYTES)
        self._epochs[number] = plain
        self._save(
            replace(self._state, epochs={**self._state.epochs, number: _seal(self._root, plain, _epoch(number))})
        )

    def _unwrap_epoch(self, number: int, text: str) -> bytes:
        try:
            return _open(self._root, text, _epoch(number))
        except InvalidTag:
            raise KeyringError(
                f"the root key does not open the keyring in {self._directory}: give the root key it was made with "
                "(DAYSALT_ROOT_KEY_FILE), or move the directory away to start with new keys"
            ) from None

    def _unwrap(self, key: _Wrapped) -> bytes:
        try:
            return _open(self._epochs[key.epoch], key.wrapped, _bound(key.id, key.epoch))
        except (InvalidTag, KeyError):
            raise KeyringError(f"the key {key.id} in {self._path} does not open: the file is damaged") from None

    def _load(self) -> _State:
        if not self._path.exists():
            return _State({}, {}, {}, 0)
        try:
            table: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            if table["schema"] != SCHEMA:
                raise KeyringError(f"{self._path} has schema {table['schema']}, this version reads {SCHEMA}")
            return _State(
                epochs={int(row["number"]): row["wrapped"] for row in table["epochs"]},
                keys={key.id.__str__(): key for key in _keys(table["keys"])},
                tombstones={row["id"]: int(row["destroyed_ms"]) for row in table["tombstones"]},
                high_water_ms=int(table["high_water_ms"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise KeyringError(
                f"{self._path} is damaged ({type(error).__name__}); salts of today are lost with it"
            ) from error
        except OSError as error:
            raise KeyringError(f"{self._path} cannot be read: {error.strerror}") from error

    def _save(self, state: _State) -> None:
        state = replace(state, high_water_ms=max(state.high_water_ms, self._clock.now_ms()))
        table = {
            "schema": SCHEMA,
            "epochs": [{"number": number, "wrapped": text} for number, text in state.epochs.items()],
            "keys": [
                {
                    "purpose": key.id.purpose,
                    "scope": key.id.scope,
                    "day": key.id.day,
                    "epoch": key.epoch,
                    "wrapped": key.wrapped,
                    "created_ms": key.created_ms,
                }
                for key in state.keys.values()
            ],
            "tombstones": [{"id": name, "destroyed_ms": at} for name, at in state.tombstones.items()],
            "high_water_ms": state.high_water_ms,
        }
        try:
            write_private(self._path, json.dumps(table, indent=1))
        except OSError as error:
            raise KeyringError(f"{self._path} cannot be written: {error.strerror}") from error
        self._state = state


def _keys(rows: list[dict[str, Any]]) -> Iterator[_Wrapped]:
    for row in rows:
        key_id = KeyId(row["purpose"], row["scope"], row["day"])
        yield _Wrapped(key_id, int(row["epoch"]), row["wrapped"], int(row["created_ms"]))


def _bound(key_id: KeyId, epoch: int) -> bytes:
    return json.dumps(["daysalt/key", SCHEMA, key_id.purpose, key_id.scope, key_id.day, epoch]).encode()


def _epoch(number: int) -> bytes:
    return json.dumps(["daysalt/epoch", SCHEMA, number]).encode()


def _seal(key: bytes, plain: bytes, bound: bytes) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, bound)).decode("ascii")


def _open(key: bytes, text: str, bound: bytes) -> bytes:
    data = base64.b64decode(text)
    return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound)
