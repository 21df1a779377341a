"""
The keyring: random keys, wrapped on disk under the root key, and tombstones of those destroyed.

Root key (a file of its own) -> epoch key (random, wrapped by the root key) -> keys (random, wrapped by an epoch key).
Nothing is derived from anything longer-lived, so a destroyed key cannot be computed again. A key is on disk before
its first use, and a tombstone outlives it, so that it cannot be made a second time.

Wrapping is AES-256-GCM with the key's whole metadata bound to it: a wrapped key cannot be moved to another day.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import json
import os
import secrets
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warehouse.clock import Clock
from warehouse.data_dir import write_private

KEY_BYTES = 32
NONCE_BYTES = 12
SCHEMA = 1
TOMBSTONE_DAYS = 400
"""How long a tombstone is kept; the calendar's high-water mark refuses days that old anyway."""

_DAY_MS = 86_400_000
_TAG = "# Daysalt: leave this directory out of every backup. A copy of it undoes the promise that keys die.\n"


class KeyringError(Exception):
    """
    The keyring cannot be opened or written. Not retryable before somebody acted on what it says.
    """


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
        _make_private(directory)
        weakref.finalize(self, os.close, _lock(directory))
        self._root = _read_root_key(root_key_file, may_make=not self._path.exists())
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
        known = self.get(key_id)
        if known is not None:
            return known
        if str(key_id) in self._state.tombstones:
            raise KeyDestroyed(f"the key {key_id} was destroyed and is not made again; is the clock right?")
        plain = secrets.token_bytes(KEY_BYTES)
        now = self._clock.now_ms()
        epoch = max(self._epochs)
        wrapped = _seal(self._epochs[epoch], plain, _bound(key_id, epoch))
        keys = {**self._state.keys, str(key_id): _Wrapped(key_id, epoch, wrapped, now)}
        self._save(replace(self._state, keys=keys))
        return plain

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
        if str(key_id) not in self._state.keys:
            return False
        keys = {name: key for name, key in self._state.keys.items() if name != str(key_id)}
        now = self._clock.now_ms()
        oldest = now - TOMBSTONE_DAYS * _DAY_MS
        tombstones = {name: at for name, at in self._state.tombstones.items() if at >= oldest}
        self._save(replace(self._state, keys=keys, tombstones={**tombstones, str(key_id): now}))
        return True

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


def _make_private(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = directory.stat()
        if status.st_uid != os.geteuid():
            raise KeyringError(
                f"the keys directory {directory} belongs to another user; give it to the one Daysalt runs as"
            )
        if status.st_mode & 0o077:
            directory.chmod(0o700)
        (directory / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n" + _TAG)
    except OSError as error:
        raise KeyringError(f"the keys directory {directory} cannot be used: {error.strerror}") from error


def _lock(directory: Path) -> int:
    """
    Take the keyring for this process. The kernel lets go of it when the process ends, however it ends.

    TRICKY: a lock of the process (`lockf`), not of the open file, so that a program started meanwhile has no share in
    it. Two keepers with one keyring would each write what they know, and the second one's keys would be gone.
    """
    descriptor = -1
    try:
        descriptor = os.open(directory / "keyring.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if descriptor >= 0:
            os.close(descriptor)
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise KeyringError(
                f"the keys directory {directory} is in use by another Daysalt process: stop that one, or set "
                "DAYSALT_KEYS_DIR"
            ) from None
        raise KeyringError(f"the keys directory {directory} cannot be used: {error.strerror}") from error
    return descriptor


def _read_root_key(path: Path, *, may_make: bool) -> bytes:
    try:
        if not path.exists():
            if not may_make:
                raise KeyringError(
                    f"there is a keyring but no root key at {path}: put it back (DAYSALT_ROOT_KEY_FILE), or move the "
                    "keys directory away to start with new keys"
                )
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
        if path.stat().st_mode & 0o077:
            raise KeyringError(f"the root key {path} can be read by others; run `chmod 400 {path}`")
        root = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise KeyringError(f"the root key {path} cannot be used: {error.strerror}") from error
    except ValueError:
        raise KeyringError(f"the root key {path} must hold {KEY_BYTES * 2} hexadecimal digits") from None
    if len(root) != KEY_BYTES:
        raise KeyringError(f"the root key {path} must hold {KEY_BYTES * 2} hexadecimal digits")
    return root
