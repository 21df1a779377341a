"""
Sign-ins: who is signed in where, by a random token of which only the hash is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import SIGN_INS, USERS
from warehouse.registry.tokens import new_token, token_hash
from warehouse.registry.users import User, user_of

IDLE_MS_MAX = 30 * 24 * 60 * 60 * 1000
"""A sign-in unused for 30 days is over."""

USED_STEP_MS = 60 * 60 * 1000
"""Use is noted at most once an hour, so that looking at a page is no write."""


ID_CHARS = 16


@dataclass(frozen=True, slots=True)
class SignIn:
    """
    One sign-in. `id` is the beginning of the token's hash: enough to name it, useless to take part in it.
    """

    id: str
    created_ms: int
    used_ms: int


def sign_in_id(token: str) -> str:
    """
    Name the sign-in of a token.
    """
    return token_hash(token)[:ID_CHARS]


class SignIns:
    """
    The sign-ins of every person.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def start(self, user_id: int) -> str:
        """
        Sign a person in.

        Returns:
            The token for the cookie; it cannot be read again.

        Raises:
            RegistryError: the person was removed meanwhile.
        """
        token, now_ms = new_token(), self._clock.now_ms()
        with self._connection.write() as transaction:
            if transaction.execute(select(USERS.c.id).where(USERS.c.id == user_id)).first() is None:
                raise RegistryError(f"there is no user with the number {user_id}: see `daysalt user list`")
            transaction.execute(delete(SIGN_INS).where(SIGN_INS.c.used_ms <= now_ms - IDLE_MS_MAX))
            transaction.execute(
                insert(SIGN_INS).values(
                    token_hash=token_hash(token), user_id=user_id, created_ms=now_ms, used_ms=now_ms
                )
            )
        return token

    def find(self, token: str) -> User | None:
        """
        Tell who is signed in by a token; None when it is unknown, ended or idle too long.
        """
        hashed, now_ms = token_hash(token), self._clock.now_ms()
        with self._connection.read() as transaction:
            row = transaction.execute(
                select(USERS, SIGN_INS.c.used_ms).join_from(SIGN_INS, USERS).where(SIGN_INS.c.token_hash == hashed)
            ).one_or_none()
        if row is None or row.used_ms <= now_ms - IDLE_MS_MAX:
            return None
        if row.used_ms <= now_ms - USED_STEP_MS:
            with self._connection.write() as transaction:
                transaction.execute(update(SIGN_INS).where(SIGN_INS.c.token_hash == hashed).values(used_ms=now_ms))
        return user_of(row)

    def all(self, user_id: int) -> list[SignIn]:
        """
        List where a person is signed in, the latest used first.
        """
        query = select(SIGN_INS).where(SIGN_INS.c.user_id == user_id).order_by(SIGN_INS.c.used_ms.desc())
        with self._connection.read() as transaction:
            rows = transaction.execute(query.where(SIGN_INS.c.used_ms > self._clock.now_ms() - IDLE_MS_MAX)).all()
        return [SignIn(row.token_hash[:ID_CHARS], row.created_ms, row.used_ms) for row in rows]

    def end_one(self, user_id: int, sign_in_id: str) -> None:
        """
        End one sign-in of a person; an unknown one is no error.
        """
        if len(sign_in_id) == ID_CHARS and sign_in_id.isalnum():
            same = (SIGN_INS.c.user_id == user_id) & SIGN_INS.c.token_hash.startswith(sign_in_id)
            with self._connection.write() as transaction:
                transaction.execute(delete(SIGN_INS).where(same))

    def end(self, token: str) -> None:
        """
        Sign out; an unknown token is no error.
        """
        with self._connection.write() as transaction:
            transaction.execute(delete(SIGN_INS).where(SIGN_INS.c.token_hash == token_hash(token)))
