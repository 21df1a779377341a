"""
API keys: shown once, kept as a hash, each for one scope and perhaps one site.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import API_KEYS, SITES
from warehouse.registry.site_keys import site_key
from warehouse.registry.tokens import new_token, token_hash

SCOPES = ("all", "ingest", "stats", "sites", "risk", "privacy")
ADMIN_ID = "admin"
"""The key given by DAYSALT_ADMIN_KEY; drawn ids are hexadecimal, so they never meet it."""

_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    One key, without its secret.
    """

    id: str
    scope: str
    site_id: int | None
    """The one site it is good for; None for every site."""
    created_ms: int
    revoked: bool

    def allows(self, scope: str, site_id: int | None = None) -> bool:
        """
        Tell whether this key may do something, for a site or (None) for no site in particular.
        """
        return not self.revoked and self.scope in ("all", scope) and (self.site_id is None or self.site_id == site_id)


class ApiKeyRing:
    """
    The keys of a registry at one moment, in memory: for a process that must not wait for the registry.
    """

    def __init__(self, keys: Iterable[tuple[ApiKey, str]] = ()) -> None:
        """
        Args:
            keys: each with the hash of its secret.
        """
        self._keys = {key.id: (key, secret_hash) for key, secret_hash in keys}

    def find(self, plain: str) -> ApiKey | None:
        """
        Find the key of a text; None when it is unknown or revoked. Takes the same time however much of it is right.
        """
        parts = plain.split("_", 2)
        key_id, secret = (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "dsk" else ("", plain)
        found: ApiKey | None = None
        for wanted, text in ((key_id, secret), (ADMIN_ID, plain)):
            key, secret_hash = self._keys.get(wanted, (None, _NO_HASH))
            fits = hmac.compare_digest(secret_hash, token_hash(text))
            if key is not None and fits and not key.revoked:
                found = key
        return found


class ApiKeys:
    """
    The keys of a registry.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def add(self, scope: str, *, site: str | None = None) -> tuple[ApiKey, str]:
        """
        Make a key.

        Args:
            site: domain of the one site it is good for; None for every site.

        Returns:
            The key, and its text `dsk_<id>_<secret>`, which cannot be read again.

        Raises:
            RegistryError: the scope or the site is unknown.
        """
        if scope not in SCOPES:
            raise RegistryError(f"{scope!r} is not a scope: use one of {', '.join(SCOPES)}")
        key_id, secret = secrets.token_hex(6), new_token()
        with self._connection.change() as transaction:
            site_id: int | None = None
            if site is not None:
                row = transaction.execute(select(SITES.c.id).where(SITES.c.domain == site_key(site))).first()
                if row is None:
                    raise RegistryError(f"there is no site {site_key(site)[:253]!r}: see `daysalt site list`")
                site_id = row.id
            key = ApiKey(key_id, scope, site_id, self._clock.now_ms(), revoked=False)
            transaction.execute(
                insert(API_KEYS).values(
                    id=key.id,
                    secret_hash=token_hash(secret),
                    scope=key.scope,
                    site_id=key.site_id,
                    created_ms=key.created_ms,
                    revoked=False,
                )
            )
        return key, f"dsk_{key_id}_{secret}"

    def all(self) -> list[ApiKey]:
        """
        List every key, revoked ones too, the oldest first.
        """
        with self._connection.read() as transaction:
            rows = transaction.execute(select(API_KEYS).order_by(API_KEYS.c.created_ms, API_KEYS.c.id)).all()
            return [_key(row) for row in rows]

    def revoke(self, key_id: str) -> ApiKey:
        """
        Make a key useless for good; it stays in the list.

        Raises:
            RegistryError: there is no such key, or it comes from DAYSALT_ADMIN_KEY.
        """
        if key_id == ADMIN_ID:
            raise RegistryError("the key 'admin' comes from the setting DAYSALT_ADMIN_KEY: change or remove it there")
        with self._connection.change() as transaction:
            row = transaction.execute(select(API_KEYS).where(API_KEYS.c.id == key_id)).one_or_none()
            if row is None:
                # Somebody may paste the whole key here: its secret is not repeated.
                raise RegistryError("there is no key with this id: see `daysalt key list` for the ids")
            transaction.execute(update(API_KEYS).where(API_KEYS.c.id == key_id).values(revoked=True))
            key = _key(row)
            return ApiKey(key.id, key.scope, key.site_id, key.created_ms, revoked=True)

    def find(self, plain: str) -> ApiKey | None:
        """
        Find the key of a text; None when it is unknown or revoked. Takes the same time however much of it is right.
        """
        parts = plain.split("_", 2)
        key_id = parts[1] if len(parts) == 3 else ""
        with self._connection.read() as transaction:
            rows = transaction.execute(select(API_KEYS).where(API_KEYS.c.id.in_([key_id, ADMIN_ID]))).all()
        return ApiKeyRing((_key(row), row.secret_hash) for row in rows).find(plain)

    def ring(self) -> ApiKeyRing:
        """
        Give every living key, to be asked without the registry until its revision goes up.
        """
        with self._connection.read() as transaction:
            rows = transaction.execute(select(API_KEYS).where(API_KEYS.c.revoked.is_(False))).all()
        return ApiKeyRing((_key(row), row.secret_hash) for row in rows)

    def ensure_admin(self, plain: str) -> None:
        """
        Let the key of DAYSALT_ADMIN_KEY be the one key with the id `admin` and scope `all`; an empty text removes it.
        """
        with self._connection.read() as transaction:
            row = transaction.execute(select(API_KEYS).where(API_KEYS.c.id == ADMIN_ID)).one_or_none()
        hashed = token_hash(plain) if plain else None
        if hashed == (None if row is None else row.secret_hash):
            return
        with self._connection.change() as transaction:
            transaction.execute(delete(API_KEYS).where(API_KEYS.c.id == ADMIN_ID))
            if hashed is not None:
                transaction.execute(
                    insert(API_KEYS).values(
                        id=ADMIN_ID,
                        secret_hash=hashed,
                        scope="all",
                        site_id=None,
                        created_ms=self._clock.now_ms(),
                        revoked=False,
                    )
                )


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.scope, row.site_id, row.created_ms, bool(row.revoked))
