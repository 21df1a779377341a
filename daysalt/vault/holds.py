"""
Legal holds: copies of the rows of one address, under a key of the case's own.

A hold copies matching rows and nothing else; the days' keys die on time, so everybody else's rows are gone by then.
Two people stand behind it, it says when it must be looked at again, and its end destroys its key: what the file still
holds is noise then, and the destroyed key is proved like any other.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.keys.keyring import KeyDestroyed, KeyId, Keyring
from warehouse.clock import Clock
from warehouse.data_dir import write_private
from warehouse.days import DAY_MS, EPOCH

FILE = "vault-holds.json"
KEY_PURPOSE = "hold"
REVIEW_DAYS_MAX = 90
"""A hold that nobody looks at again is a second retention period."""
GROUND_CHARS_MAX = 200
NONCE_BYTES = 12

_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class HoldError(Exception):
    """
    A hold cannot be made, read or ended. The text says why and what to do.
    """


class HoldUnreadable(HoldError):
    """
    What a hold held was changed, or belongs to another case.
    """


@dataclass(frozen=True, slots=True)
class HeldRow:
    """
    One row of the vault, as held. `day` is an ISO date, `hours` the hours UTC it was seen in.
    """

    day: str
    site: str
    hours: tuple[int, ...]
    hits: int


@dataclass(frozen=True, slots=True)
class Hold:
    """
    One case. `sealed` holds address and rows, encrypted; `ended_on` is empty while it lasts.
    """

    case: str
    ground: str
    requester: str
    approver: str
    added_on: str
    review_on: str
    rows: int
    sealed: str
    ended_on: str = ""


class Holds:
    """
    The holds of one installation, ended ones too: without what they held.
    """

    def __init__(self, data_dir: Path, keyring: Keyring, clock: Clock) -> None:
        self._path = data_dir / FILE
        self._keyring = keyring
        self._clock = clock

    def all(self) -> list[Hold]:
        """
        List all holds, the oldest first.

        Raises:
            HoldError: the file is damaged.
        """
        return _read(self._path)

    def check(self, case: str, ground: str, review_on: str) -> None:
        """
        See whether a hold could be made like this.

        Raises:
            HoldError: the case has one, or a detail is not allowed.
        """
        if not _CASE.fullmatch(case):
            raise HoldError(f"{case[:40]!r} is no case: use 1 to 40 letters, digits and . _ -, such as CASE-2026-7")
        if not ground.strip() or len(ground) > GROUND_CHARS_MAX:
            raise HoldError(
                f"the ground must say which law or claim the hold rests on, in 1 to {GROUND_CHARS_MAX} characters"
            )
        if any(hold.case == case for hold in self.all()):
            raise HoldError(f"the case {case} has a hold, or had one: use another name for a new one")
        try:
            review = date.fromisoformat(review_on)
        except ValueError:
            raise HoldError(f"the review date {review_on[:20]!r} is none: write it as 2026-12-31") from None
        today = self._today()
        if not today < review <= today + timedelta(days=REVIEW_DAYS_MAX):
            raise HoldError(f"the review date must lie ahead, at most {REVIEW_DAYS_MAX} days")

    def add(
        self,
        case: str,
        ground: str,
        review_on: str,
        *,
        requester: str,
        approver: str,
        address: str,
        rows: Sequence[HeldRow],
    ) -> Hold:
        """
        Keep rows of an address under a new key of the case.

        Raises:
            HoldError: as for `check`.
            KeyringError: no key can be made.
        """
        self.check(case, ground, review_on)
        today = self._today().isoformat()
        try:
            key = self._keyring.get_or_make(_key_id(case, today))
        except KeyDestroyed as error:
            raise HoldError(f"the case {case} had a hold: use another name for a new one") from error
        nonce = secrets.token_bytes(NONCE_BYTES)
        held = json.dumps({"address": address, "rows": [asdict(row) for row in rows]}).encode()
        sealed = base64.b64encode(nonce + AESGCM(key).encrypt(nonce, held, case.encode())).decode()
        hold = Hold(case, ground.strip(), requester, approver, today, review_on, len(rows), sealed)
        self._write([*self.all(), hold])
        return hold

    def read(self, case: str) -> tuple[str, list[HeldRow]]:
        """
        Open what a hold holds: the address and its rows.

        Raises:
            HoldError: there is no such hold, or it is over.
            HoldUnreadable: it does not open.
        """
        hold = self._find(case)
        key = None if hold.ended_on else self._keyring.get(_key_id(case, hold.added_on))
        if key is None:
            raise HoldError(f"the hold of {case} is over: what it held is gone")
        data = base64.b64decode(hold.sealed)
        try:
            held: dict[str, Any] = json.loads(
                AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], case.encode())
            )
        except InvalidTag:
            raise HoldUnreadable(f"what the hold of {case} held cannot be read: it was changed") from None
        rows = [HeldRow(row["day"], row["site"], tuple(row["hours"]), row["hits"]) for row in held["rows"]]
        return str(held["address"]), rows

    def end(self, case: str) -> Hold:
        """
        Destroy the key of a case, then what it hid.

        Raises:
            HoldError: there is no such hold, or it is over.
            KeyringError: the key cannot be destroyed.
        """
        hold = self._find(case)
        if hold.ended_on:
            raise HoldError(f"the hold of {case} ended on {hold.ended_on}")
        self._keyring.destroy(_key_id(case, hold.added_on))
        ended = replace(hold, sealed="", ended_on=self._today().isoformat())
        self._write([ended if other.case == case else other for other in self.all()])
        return ended

    def overdue(self) -> list[Hold]:
        """
        List the holds whose review date is past.
        """
        return overdue_holds(self._path.parent, self._today())

    def _find(self, case: str) -> Hold:
        for hold in self.all():
            if hold.case == case:
                return hold
        raise HoldError(f"there is no hold of {case[:40]!r}: `daysalt vault hold list` lists them")

    def _today(self) -> date:
        return EPOCH + timedelta(days=self._clock.now_ms() // DAY_MS)

    def _write(self, holds: Sequence[Hold]) -> None:
        write_private(self._path, json.dumps([asdict(hold) for hold in holds], indent=1))


def overdue_holds(data_dir: Path, today: date) -> list[Hold]:
    """
    List the holds of a data directory whose review date is past. Needs no key.

    Raises:
        HoldError: the file is damaged.
    """
    return [hold for hold in _read(data_dir / FILE) if not hold.ended_on and hold.review_on < today.isoformat()]


def _read(path: Path) -> list[Hold]:
    try:
        return [Hold(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise HoldError(f"{path} is damaged: restore it from a copy of this disk") from error


def _key_id(case: str, added_on: str) -> KeyId:
    return KeyId(KEY_PURPOSE, case, added_on)
