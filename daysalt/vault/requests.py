"""
Requests to read the vault or to hold rows of it, waiting for a second person.

A request has to remember which address it is about. It is sealed under a key of its own in the keyring, which is
destroyed when the request is answered, refused or an hour old; what is left of it then is noise.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.keys.keyring import KeyId, Keyring
from warehouse.clock import Clock
from warehouse.data_dir import write_private
from warehouse.days import DAY_MS, iso_day

FILE = "vault-requests.json"
KEY_PURPOSE = "vault_request"
LIFE_MS = 3_600_000
"""How long a request may wait, and an approval be used."""
WAITING_MAX = 100
NONCE_BYTES = 12


class RequestError(Exception):
    """
    A request is unknown, or not one that this person may act on. The text says what to do.
    """


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request. `sealed` holds the address, encrypted; `kind` is `lookup` or `hold`.
    """

    id: str
    kind: str
    actor: str
    purpose: str
    ticket: str
    site: str
    created_ms: int
    sealed: str
    details: dict[str, str]
    """Of a hold: case, ground and review date."""
    approver: str = ""

    @property
    def expires_ms(self) -> int:
        return self.created_ms + LIFE_MS


class Requests:
    """
    The requests that wait or were approved in the last hour.
    """

    def __init__(self, data_dir: Path, keyring: Keyring, clock: Clock) -> None:
        self._path = data_dir / FILE
        self._keyring = keyring
        self._clock = clock

    def add(
        self, kind: str, *, actor: str, purpose: str, ticket: str, site: str, address: bytes, details: dict[str, str]
    ) -> Request:
        """
        Put a request down, its address sealed.

        Raises:
            RequestError: too many are waiting.
            KeyringError: no key can be made.
        """
        waiting = self.living()
        if len(waiting) >= WAITING_MAX:
            raise RequestError(f"{WAITING_MAX} requests are waiting already: approve them, or wait an hour")
        request = Request(secrets.token_hex(4), kind, actor, purpose, ticket, site, self._clock.now_ms(), "", details)
        key = self._keyring.get_or_make(_key_id(request))
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, address, request.id.encode())
        request = replace(request, sealed=base64.b64encode(sealed).decode())
        self._write([*waiting, request])
        return request

    def living(self) -> list[Request]:
        """
        List the requests that are not over, the oldest first; the keys of those that are get destroyed.
        """
        known = self._read()
        now = self._clock.now_ms()
        living = [request for request in known if request.created_ms <= now < request.expires_ms]
        over = [request for request in known if request not in living]
        if over:
            self._keyring.destroy_all([_key_id(request) for request in over])
            self._write(living)
        return living

    def find(self, request_id: str) -> Request:
        """
        Find a request that is not over.

        Raises:
            RequestError: there is none.
        """
        for request in self.living():
            if request.id == request_id:
                return request
        raise RequestError(f"no request {request_id[:20]!r} is waiting: `daysalt vault requests` lists them")

    def approve(self, request_id: str, approver: str) -> Request:
        """
        Note the second person.

        Raises:
            RequestError: it is unknown, approved already, or the approver's own.
        """
        request = self.find(request_id)
        if request.actor.strip().lower() == approver.strip().lower():
            raise RequestError(f"{approver} made this request: somebody else must approve it")
        if request.approver:
            raise RequestError(f"the request {request.id} is approved already")
        approved = replace(request, approver=approver)
        self._write([approved if other.id == request.id else other for other in self.living()])
        return approved

    def address_of(self, request: Request) -> bytes | None:
        """
        Open the address of a request; None when its key is gone.
        """
        key = self._keyring.get(_key_id(request))
        data = base64.b64decode(request.sealed)
        if key is None:
            return None
        try:
            return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], request.id.encode())
        except InvalidTag:
            return None

    def end(self, request: Request) -> None:
        """
        Destroy a request's key and forget it.
        """
        self._keyring.destroy(_key_id(request))
        self._write([other for other in self._read() if other.id != request.id])

    def _read(self) -> list[Request]:
        try:
            return [Request(**row) for row in json.loads(self._path.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            raise RequestError(f"{self._path} is damaged: remove it; requests in it must be made again") from error

    def _write(self, requests: Iterable[Request]) -> None:
        write_private(self._path, json.dumps([asdict(request) for request in requests]))


def _key_id(request: Request) -> KeyId:
    return KeyId(KEY_PURPOSE, request.id, iso_day(request.created_ms // DAY_MS))
