"""
The chain of proofs as its owner writes it: append, signed, synced; a record is never changed.

It lies in the data directory and belongs into backups, with the key that signs it: a proof is worth something as long
as its chain goes on. That key has never touched an address.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ingest.keys.keys_directory import KeyringError
from warehouse.clock import Clock
from warehouse.data_dir import sync_directory, write_private
from warehouse.privacy.proofs import (
    CHAIN_FILE,
    DAY,
    DOMAIN,
    FIRST_HASH,
    FORMAT,
    KEYS,
    SIGNING_KEY_FILE,
    START,
    ProofError,
    Signed,
    canonical,
    read_chain,
    verify_chain,
)


class ProofChain:
    """
    The chain of one installation.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        """
        Open the chain, or begin it. A last line that was not written whole is cut off: nobody was told of it.

        Raises:
            KeyringError: it was changed, its key is missing, or it cannot be written.
        """
        self._path = directory / CHAIN_FILE
        self._clock = clock
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _cut_torn_tail(self._path)
            key_path = directory / SIGNING_KEY_FILE
            if not key_path.exists():
                if self._path.exists() and self._path.stat().st_size:
                    raise KeyringError(
                        f"{key_path} is missing, so the chain of proofs cannot go on: put it back from a backup, or "
                        f"move {directory} away to begin a new chain"
                    )
                write_private(key_path, Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")
            self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key_path.read_text("ascii").strip()))
            self._records = read_chain(self._path)
            if self._records:
                verify_chain(self._records)
        except OSError as error:
            raise KeyringError(f"the proofs in {directory} cannot be used: {error.strerror}") from error
        except (ProofError, ValueError) as error:
            raise KeyringError(
                f"the chain of proofs {self._path} does not hold ({error}): put it back from a backup, or move "
                f"{directory} away to begin a new chain"
            ) from error
        self.checks: set[str] = set()
        """Check values of all keys whose destruction is proved."""
        self.days: set[str] = set()
        """Days of the vault that are proved."""
        for signed in self._records:
            self._note(signed)
        if not self._records:
            self.append(START, {"format": FORMAT, "public_key": self.public_key, "day": _iso_day(clock.now_ms())})
        elif self._public_key_of_start() != self.public_key:
            raise KeyringError(f"the signing key in {directory} is not the one {self._path} began with: put it back")

    @property
    def public_key(self) -> str:
        """
        The key that checks signatures, in base64.
        """
        return base64.b64encode(self._key.public_key().public_bytes_raw()).decode("ascii")

    @property
    def records(self) -> Sequence[Signed]:
        return self._records

    @property
    def first_day(self) -> str:
        """
        The day the chain began, ISO date UTC.
        """
        return str(self._records[0].record["day"])

    def append(self, kind: str, facts: Mapping[str, Any]) -> Signed:
        """
        Add a record. It is on disk, synced, before this returns.

        Raises:
            KeyringError: it cannot be written; nothing was added.
        """
        last = self._records[-1] if self._records else None
        record: dict[str, Any] = {
            "seq": len(self._records) + 1,
            "prev": FIRST_HASH if last is None else last.hash,
            "made_ms": self._clock.now_ms(),
            "kind": kind,
            **facts,
        }
        content = canonical(record)
        signature = base64.b64encode(self._key.sign(DOMAIN + content)).decode("ascii")
        signed = Signed(record, hashlib.sha256(content).hexdigest(), signature)
        size = self._path.stat().st_size if self._path.exists() else 0
        try:
            _append_line(self._path, signed.line())
        except OSError as error:
            if self._path.exists():
                os.truncate(self._path, size)
            raise KeyringError(f"{self._path} cannot be written: {error.strerror}") from error
        self._records.append(signed)
        self._note(signed)
        return signed

    def of_kind(self, kind: str) -> Iterator[Signed]:
        """
        Give the records of one kind, oldest first.
        """
        return (signed for signed in self._records if signed.kind == kind)

    def _public_key_of_start(self) -> str:
        return str(self._records[0].record["public_key"])

    def _note(self, signed: Signed) -> None:
        if signed.kind in (KEYS, DAY):
            self.checks.update(str(key["check"]) for key in signed.record["keys"])
        if signed.kind == DAY:
            self.days.add(str(signed.record["day"]))


def _append_line(path: Path, line: str) -> None:
    made = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    if made:
        sync_directory(path.parent)


def _cut_torn_tail(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _iso_day(epoch_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch_ms / 1000, UTC).date().isoformat()
