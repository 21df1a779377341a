"""
Proofs of destroyed keys: the form of a record, and checking a whole chain with nothing but its file.

A chain is a file of JSON lines. Each record names the hash of the one before it and is signed with Ed25519 (RFC 8032);
the first one carries the public key. So nothing can be changed, left out or put in between without its being seen.
What a chain proves is what this installation did. It cannot prove that nobody made a copy elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CHAIN_FILE = "chain.ndjson"
PROOFS_DIR = "proofs"
SIGNING_KEY_FILE = "signing.key"
FORMAT = "daysalt-proofs/1"
DOMAIN = b"daysalt/proof/v1\0"
"""In front of what is signed: a signature for something else cannot be passed off as one for a proof."""
FIRST_HASH = "0" * 64
CHAIN_BYTES_MAX = 512 * 1024 * 1024

START, KEYS, DAY, RESTORED = "start", "keys", "vault_day", "restored"
KINDS = (START, KEYS, DAY, RESTORED)

_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)


class ProofError(Exception):
    """
    A chain of proofs does not hold. The text says where and why.
    """


@dataclass(frozen=True, slots=True)
class Signed:
    """
    One record of a chain with what holds it in place.

    Attributes: `record` is what was signed; `hash` is SHA-256 of its canonical form, hexadecimal.
    """

    record: Mapping[str, Any]
    hash: str
    signature: str

    @property
    def kind(self) -> str:
        return str(self.record["kind"])

    def line(self) -> str:
        """
        Write it as the line of a chain's file, without the line's end.
        """
        return json.dumps(self.table(), ensure_ascii=True, separators=(",", ":"))

    def table(self) -> dict[str, Any]:
        """
        Give it as what JSON can hold.
        """
        return {"record": dict(self.record), "hash": self.hash, "signature": self.signature}


@dataclass(frozen=True, slots=True)
class Verified:
    """
    What a chain that holds says.

    Attributes:
        fingerprint: SHA-256 of the public key, hexadecimal: compare it with one noted earlier.
        head: hash of the last record; a chain that once had a head must have it for ever.
        first_day, last_day: days of the vault that were proved destroyed, ISO dates; empty before the first.
        late: days whose key was destroyed more than a day after it was due.
    """

    records: int
    keys: int
    days: int
    first_day: str
    last_day: str
    late: tuple[str, ...]
    fingerprint: str
    head: str


def canonical(record: Mapping[str, Any]) -> bytes:
    """
    Write a record in the one form that is hashed and signed.
    """
    return json.dumps(record, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def fingerprint(public_key: str) -> str:
    """
    Name a public key, given in base64, by its SHA-256.
    """
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()


def read_chain(path: Path) -> list[Signed]:
    """
    Read a chain's file without checking it; empty when there is none.

    Raises:
        ProofError: a line is no record.
    """
    try:
        return parse_chain(path.read_bytes())
    except FileNotFoundError:
        return []


def parse_chain(content: bytes) -> list[Signed]:
    """
    Read a chain: lines as in its file, or one JSON document with `records`, as the privacy page gives it.

    Raises:
        ProofError: it is neither.
    """
    text = content.decode("utf-8", "replace").strip()
    tables: Iterable[object]
    try:
        whole = json.loads(text) if "\n" not in text or text.startswith("{\n") else None
    except ValueError:
        whole = None
    if isinstance(whole, dict) and "records" in whole:
        tables = cast("list[object]", whole["records"])
    else:
        try:
            tables = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise ProofError("this is no chain of proofs: a line is not JSON") from None
    return [_signed(table, number) for number, table in enumerate(tables, start=1)]


def verify_chain(chain: Iterable[Signed]) -> Verified:
    """
    Check every record: numbered without a gap, tied to the one before, signed by the key of the first one; and every
    day of the vault proved once, without a hole, with a canary that was readable before and is not any more.

    Raises:
        ProofError: something does not hold.
    """
    key: Ed25519PublicKey | None = None
    public = ""
    previous, count, keys = FIRST_HASH, 0, 0
    days: list[str] = []
    late: list[str] = []
    for number, signed in enumerate(chain, start=1):
        record, where = signed.record, f"record {number}"
        if record.get("seq") != number:
            raise ProofError(f"{where} says it is number {record.get('seq')}: records were left out or moved")
        if record.get("prev") != previous:
            raise ProofError(f"{where} does not follow the one before it: a record was changed, left out or moved")
        if hashlib.sha256(canonical(record)).hexdigest() != signed.hash:
            raise ProofError(f"{where} was changed: its hash does not fit")
        if key is None:
            if signed.kind != START:
                raise ProofError("the beginning is missing: the first record must be the start")
            public = str(record.get("public_key", ""))
            key = _public_key(public)
        try:
            key.verify(_bytes(signed.signature), DOMAIN + canonical(record))
        except InvalidSignature:
            raise ProofError(f"{where} is not signed by the key this chain began with") from None
        if signed.kind not in KINDS:
            raise ProofError(f"{where} is of the unknown kind {signed.kind!r}: verify it with a newer version")
        if signed.kind == KEYS:
            keys += len(record["keys"])
        elif signed.kind == DAY:
            _check_day(record, where, days)
            days.append(str(record["day"]))
            keys += len(record["keys"])
            if record["destroyed_ms"] > record["due_ms"] + _DAY_MS:
                late.append(str(record["day"]))
        previous, count = signed.hash, number
    if count == 0:
        raise ProofError("there is no record in it")
    return Verified(
        records=count,
        keys=keys,
        days=len(days),
        first_day=days[0] if days else "",
        last_day=days[-1] if days else "",
        late=tuple(late),
        fingerprint=fingerprint(public),
        head=previous,
    )


def _check_day(record: Mapping[str, Any], where: str, before: list[str]) -> None:
    day = date.fromisoformat(str(record["day"]))
    if before and day != date.fromisoformat(before[-1]) + timedelta(days=1):
        raise ProofError(
            f"{where} proves {day}, but {before[-1]} was the last day before it: a day is missing or twice"
        )
    if any(key["destroyed_ms"] > record["made_ms"] for key in record["keys"]):
        raise ProofError(f"{where} was signed before a key of {day} was destroyed")
    canary = record["canary"]
    # Of the table there is nothing to be told in older proofs, and after a stop over the day's last day of life.
    if canary["after"] != "dead" or (canary["keys"] and canary["before"] != "found"):
        raise ProofError(f"{where}: the canary of {day} was {canary['before']} before and {canary['after']} after")
    if record["scan"]["hits"] or record["scan"]["rows_left"]:
        raise ProofError(f"{where}: the search after the destruction of {day} found something")
    if record["due_ms"] != (day - _EPOCH).days * _DAY_MS + record["retention_days"] * _DAY_MS:
        raise ProofError(f"{where}: {day} is due at another time than its period says")


def _signed(table: object, number: int) -> Signed:
    if isinstance(table, dict):
        row = cast("dict[str, Any]", table)
        if isinstance(row.get("record"), dict) and "kind" in row["record"] and {"hash", "signature"} <= row.keys():
            return Signed(cast("dict[str, Any]", row["record"]), str(row["hash"]), str(row["signature"]))
    raise ProofError(f"this is no chain of proofs: record {number} has no record, hash and signature")


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_bytes(text))
    except ValueError:
        raise ProofError("the first record carries no public key") from None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
