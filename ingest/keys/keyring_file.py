"""
The keyring's file: what is in it, how keys are wrapped in it, how it is read and replaced as a whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.keys.keys_directory import KeyringError
from warehouse.data_dir import write_private

SCHEMA = 1
NONCE_BYTES = 12
CHECK_BYTES = 16


@dataclass(frozen=True, slots=True)
class KeyId:
    """
    What a key is for. `scope` is a time zone for salts, a site for the vault; `day` is an ISO date.
    """

    purpose: str
    scope: str
    day: str

    def __str__(self) -> str:
        return f"{self.purpose}:{self.scope}:{self.day}"


def parse_key_id(text: str) -> KeyId:
    """
    Read what `str` of a key's id wrote.
    """
    purpose, rest = text.split(":", 1)
    scope, day = rest.rsplit(":", 1)
    return KeyId(purpose, scope, day)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """
    A living key, encrypted under an epoch key.
    """

    id: KeyId
    epoch: int
    wrapped: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Tombstone:
    """
    What is left of a destroyed key.

    Attributes: `check` is the key's check value (`key_check`), empty for what was destroyed before there were any.
    """

    id: KeyId
    created_ms: int
    destroyed_ms: int
    check: str


@dataclass(frozen=True, slots=True)
class KeyringState:
    """
    All of the file.
    """

    epochs: Mapping[int, str]
    keys: Mapping[str, WrappedKey]
    tombstones: Mapping[str, Tombstone]
    high_water_ms: int


NOTHING = KeyringState({}, {}, {}, 0)


def key_check(key: bytes) -> str:
    """
    Name a key without telling it: a keyed hash of nothing. Whoever finds a copy of a key said to be destroyed can see
    which one it is; nobody can get from here to the key.
    """
    return hashlib.blake2b(b"", key=key, person=b"daysalt/check", digest_size=CHECK_BYTES).hexdigest()


def wrap(key: bytes, plain: bytes, bound: bytes) -> str:
    """
    Encrypt a key under another, with what it is for bound to it.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, bound)).decode("ascii")


def unwrap(key: bytes, text: str, bound: bytes) -> bytes:
    """
    Decrypt a key.

    Raises:
        InvalidTag: another key, or another purpose.
    """
    data = base64.b64decode(text)
    return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound)


def bound_to(key_id: KeyId, epoch: int) -> bytes:
    """
    Write what is bound to a wrapped key: it cannot be moved to another day.
    """
    return json.dumps(["daysalt/key", SCHEMA, key_id.purpose, key_id.scope, key_id.day, epoch]).encode()


def bound_to_epoch(number: int) -> bytes:
    """
    Write what is bound to a wrapped epoch key.
    """
    return json.dumps(["daysalt/epoch", SCHEMA, number]).encode()


def read_keyring(path: Path) -> KeyringState:
    """
    Read the file; nothing when there is none yet.

    Raises:
        KeyringError: it is damaged, unreadable, or of another version.
    """
    if not path.exists():
        return NOTHING
    try:
        table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if table["schema"] != SCHEMA:
            raise KeyringError(f"{path} has schema {table['schema']}, this version reads {SCHEMA}")
        return KeyringState(
            epochs={int(row["number"]): row["wrapped"] for row in table["epochs"]},
            keys={str(key.id): key for key in _keys(table["keys"])},
            tombstones={str(stone.id): stone for stone in _tombstones(table["tombstones"])},
            high_water_ms=int(table["high_water_ms"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise KeyringError(f"{path} is damaged ({type(error).__name__}); salts of today are lost with it") from error
    except OSError as error:
        raise KeyringError(f"{path} cannot be read: {error.strerror}") from error


def write_keyring(path: Path, state: KeyringState) -> None:
    """
    Replace the file, whole or not at all, synced before this returns.

    Raises:
        KeyringError: it cannot be written.
    """
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
        "tombstones": [
            {"id": name, "created_ms": stone.created_ms, "destroyed_ms": stone.destroyed_ms, "check": stone.check}
            for name, stone in state.tombstones.items()
        ],
        "high_water_ms": state.high_water_ms,
    }
    try:
        # Not by json: with an indent it has no fast way, and a keyring of thousands of sites is written each midnight.
        write_private(path, msgspec.json.format(msgspec.json.encode(table), indent=1).decode())
    except OSError as error:
        raise KeyringError(f"{path} cannot be written: {error.strerror}") from error


def _keys(rows: list[dict[str, Any]]) -> Iterator[WrappedKey]:
    for row in rows:
        key_id = KeyId(row["purpose"], row["scope"], row["day"])
        yield WrappedKey(key_id, int(row["epoch"]), row["wrapped"], int(row["created_ms"]))


def _tombstones(rows: list[dict[str, Any]]) -> Iterator[Tombstone]:
    for row in rows:
        destroyed_ms = int(row["destroyed_ms"])
        yield Tombstone(parse_key_id(row["id"]), int(row.get("created_ms", 0)), destroyed_ms, str(row.get("check", "")))
