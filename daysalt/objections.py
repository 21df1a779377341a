"""
The keeper's list of objections, and the one-time tokens of the self-service page.
"""

from __future__ import annotations

import secrets
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Literal, get_args

import msgspec

from ingest.keys.keyring import KeyId, Keyring, KeyringError
from ingest.objections import objection_hash
from warehouse.clock import Clock
from warehouse.data_dir import write_private
from warehouse.local_socket import Fields, Operation, SocketRefused

FILE = "objections.json"
KEY = KeyId("objection", "all", "always")
TOKEN_MS = 10 * 60 * 1000
TOKENS_MAX = 10_000
MARKS_MAX = 100_000
Kind = Literal["objected", "restricted"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Mark(msgspec.Struct, frozen=True):
    """
    One address, by its hash. `case` is the number of the request, never who made it.
    """

    hash: str
    kind: Kind
    created_ms: int
    case: str = ""


class ObjectionList:
    """
    Who objected. Beside the keyring, because without it the hashes mean nothing.
    """

    def __init__(self, keys_dir: Path, keyring: Keyring, clock: Clock) -> None:
        """
        Raises:
            KeyringError: the list cannot be read.
        """
        self._path = keys_dir / FILE
        self._keyring = keyring
        self._clock = clock
        self._tokens: dict[str, tuple[str, int]] = {}
        try:
            self._marks = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Mark])
        except FileNotFoundError:
            self._marks = {}
        except (OSError, msgspec.DecodeError) as error:
            raise KeyringError(
                f"{self._path} cannot be read ({type(error).__name__}): put it back, or move it away"
            ) from error

    def add(self, address: str, kind: Kind, case: str = "") -> None:
        """
        Note an objection. A second one of the same address changes its kind.

        Raises:
            KeyringError: the list cannot be written, or is full.
            ValueError: this is no address.
        """
        name = self._hash(address)
        if name not in self._marks and len(self._marks) >= MARKS_MAX:
            raise KeyringError(f"there are {MARKS_MAX} objections already: review them")
        self._save({**self._marks, name: Mark(name, kind, self._clock.now_ms(), case)})

    def withdraw(self, address: str) -> bool:
        """
        Take an objection back.

        Returns:
            Whether there was one.
        """
        name = self._hash(address)
        if name not in self._marks:
            return False
        self._save({other: mark for other, mark in self._marks.items() if other != name})
        return True

    def kind_of(self, address: str) -> str:
        """
        Tell what an address asked for; empty when nothing.
        """
        if not self._marks:
            return ""
        mark = self._marks.get(self._hash(address))
        return mark.kind if mark else ""

    def operations(self) -> dict[str, Operation]:
        """
        Give the operations of `keeper.sock`.
        """

        async def listed() -> Fields:
            key = self._keyring.get(KEY) if self._marks else None
            return {"key": key.hex() if key else "", "hashes": list(self._marks)}

        async def token(address: str) -> Fields:
            return {"token": self._give_token(_normal(address)), "kind": self.kind_of(address)}

        async def use_token(address: str, token: str) -> Fields:
            return {"valid": self._take_token(_normal(address), token)}

        async def add(address: str, kind: str, case: str = "") -> Fields:
            if kind not in KINDS:
                raise SocketRefused(f"{kind!r} is no kind of mark: use {' or '.join(KINDS)}")
            try:
                self.add(address, kind, case)
            except (KeyringError, ValueError) as error:
                raise SocketRefused(str(error)) from error
            return {"kind": kind}

        async def withdraw(address: str) -> Fields:
            try:
                return {"withdrawn": self.withdraw(address)}
            except (KeyringError, ValueError) as error:
                raise SocketRefused(str(error)) from error

        return {
            "objections": listed,
            "me_token": token,
            "me_use_token": use_token,
            "objection_add": add,
            "objection_withdraw": withdraw,
        }

    def _give_token(self, address: str) -> str:
        now = self._clock.monotonic_ms()
        self._tokens = {token: row for token, row in self._tokens.items() if row[1] > now}
        while len(self._tokens) >= TOKENS_MAX:
            del self._tokens[next(iter(self._tokens))]
        token = secrets.token_urlsafe(24)
        # In memory only, and for ten minutes: the token is good for this address alone.
        self._tokens[token] = (address, now + TOKEN_MS)
        return token

    def _take_token(self, address: str, token: str) -> bool:
        held = self._tokens.pop(token, None)
        return held is not None and held[0] == address and held[1] > self._clock.monotonic_ms()

    def _hash(self, address: str) -> str:
        return objection_hash(self._keyring.get_or_make(KEY), _parsed(address)).hex()

    def _save(self, marks: dict[str, Mark]) -> None:
        try:
            write_private(self._path, msgspec.json.encode(marks).decode())
        except OSError as error:
            raise KeyringError(f"{self._path} cannot be written: {error.strerror}") from error
        self._marks = marks


def _parsed(address: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(address)
    except ValueError:
        raise ValueError("this is no IP address: write it as 192.0.2.1 or 2001:db8::1") from None


def _normal(address: str) -> str:
    return str(_parsed(address))
