"""
People who sign in, and the one-time links with which they choose a password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from warehouse.clock import Clock
from warehouse.registry.attempts import Attempts
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.passwords import hashed_password, is_outdated, password_fits
from warehouse.registry.schema import LINKS, RECOVERY_CODES, SIGN_INS, USERS
from warehouse.registry.tokens import new_token, token_hash

ROLES = ("owner", "editor", "viewer")
LINK_MS_MAX = 7 * 24 * 60 * 60 * 1000
"""A link that was not used within seven days is dead; a new one is one command away."""

_EMAIL = re.compile(r"^[^\s@<>\"',;]+@[^\s@<>\"',;]+$")
_DEAD_LINK = "this link is unknown, used or too old: ask for a new one with `daysalt user reset-password`"
_DEAD_FIRST_LINK = "this set-up link is unknown, used or too old: make a new one with `daysalt user setup`"


@dataclass(frozen=True, slots=True)
class User:
    """
    One person. `role` is `owner` (everything), `editor` (sites and goals) or `viewer` (looks).
    """

    id: int
    email: str
    role: str
    created_ms: int


class Users:
    """
    The people of a registry.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._attempts = Attempts(connection, clock)

    def add(self, email: str, role: str = "owner") -> tuple[User, str]:
        """
        Add a person, who chooses a password with the one-time token given back.

        Raises:
            RegistryError: the e-mail address is none or taken, or the role unknown.
        """
        email = _checked_email(email)
        if role not in ROLES:
            raise RegistryError(f"{role!r} is not a role: use {', '.join(ROLES)}")
        with self._connection.write() as transaction:
            if _row(transaction, email) is not None:
                raise RegistryError(f"{email} is a user already: use `daysalt user reset-password` for a new link")
            transaction.execute(
                insert(USERS).values(email=email, role=role, password_hash=None, created_ms=self._clock.now_ms())
            )
            user = _one(transaction, email)
            return user, self._link(transaction, user.id)

    def all(self) -> list[User]:
        """
        List everybody by e-mail address.
        """
        with self._connection.read() as transaction:
            return [user_of(row) for row in transaction.execute(select(USERS).order_by(USERS.c.email))]

    def count(self) -> int:
        """
        Tell how many people there are, with or without a password.
        """
        with self._connection.read() as transaction:
            return int(transaction.execute(select(func.count()).select_from(USERS)).scalar_one())

    def reset_password(self, email: str) -> str:
        """
        Make a new one-time token and sign the person out everywhere; the old password works until it is used.

        Raises:
            RegistryError: nobody has this e-mail address.
        """
        with self._connection.write() as transaction:
            user = _one(transaction, email)
            transaction.execute(delete(SIGN_INS).where(SIGN_INS.c.user_id == user.id))
            return self._link(transaction, user.id)

    def remove(self, email: str) -> User:
        """
        Remove a person and sign them out.

        Raises:
            RegistryError: nobody has this e-mail address, or nobody else could set anything any more.
        """
        with self._connection.write() as transaction:
            user = _one(transaction, email)
            owners = transaction.execute(select(USERS.c.id).where(USERS.c.role == "owner")).all()
            if user.role == "owner" and len(owners) == 1:
                raise RegistryError(f"{user.email} is the last owner: add another one with `daysalt user add` first")
            for table in (SIGN_INS, LINKS, RECOVERY_CODES):
                transaction.execute(delete(table).where(table.c.user_id == user.id))
            transaction.execute(delete(USERS).where(USERS.c.id == user.id))
            return user

    def change_role(self, email: str, role: str) -> User:
        """
        Give a person another role; what they may do changes with their next request.

        Raises:
            RegistryError: nobody has this e-mail address, the role is unknown, or nobody would be owner.
        """
        if role not in ROLES:
            raise RegistryError(f"{role!r} is not a role: use {', '.join(ROLES)}")
        with self._connection.write() as transaction:
            user = _one(transaction, email)
            owners = transaction.execute(select(USERS.c.id).where(USERS.c.role == "owner")).all()
            if user.role == "owner" and role != "owner" and len(owners) == 1:
                raise RegistryError(f"{user.email} is the last owner: make somebody else an owner first")
            transaction.execute(update(USERS).where(USERS.c.id == user.id).values(role=role))
            return _one(transaction, email)

    def change_password(self, user: User, password: str, new_password: str) -> None:
        """
        Change a password; every sign-in of the person ends.

        Raises:
            RegistryError: the present password is wrong, or the new one too short.
            SignInThrottled: too many attempts for this account.
        """
        if self.check(user.email, password) is None:
            raise RegistryError("the present password is wrong: nothing was changed")
        hashed = hashed_password(new_password)
        with self._connection.write() as transaction:
            self._set_password(transaction, user.id, hashed)

    def token_user(self, token: str) -> User | None:
        """
        Tell whose password a token may set; None for an unknown or old one, and for that of the first start.
        """
        with self._connection.read() as transaction:
            return self._token_user(transaction, token)

    def accept(self, token: str, password: str) -> User:
        """
        Set the password of a token's person. The token is used up and every sign-in ended.

        Raises:
            RegistryError: the token is unknown, used or old, or the password too short; the token stays good then.
        """
        if self.token_user(token) is None:
            raise RegistryError(_DEAD_LINK)
        # Hashing takes long: not while others wait for the write lock.
        hashed = hashed_password(password)
        with self._connection.write() as transaction:
            user = self._token_user(transaction, token)
            if user is None:
                raise RegistryError(_DEAD_LINK)
            self._set_password(transaction, user.id, hashed)
        self._attempts.forget(user.email)
        return user

    def first_token(self) -> str | None:
        """
        Make a new token for the first start, in place of an earlier one; None when somebody has a password already.
        """
        with self._connection.write() as transaction:
            return None if _anybody(transaction) else self._link(transaction, None)

    def is_first_token(self, token: str) -> bool:
        """
        Tell whether a token is the one of the first start and still good.
        """
        with self._connection.read() as transaction:
            return not _anybody(transaction) and self._is_first(transaction, token)

    def accept_first(self, token: str, email: str, password: str) -> User:
        """
        Make the first owner.

        Raises:
            RegistryError: the token is unknown, used or old, the e-mail address is none, or the password too short.
        """
        if not self.is_first_token(token):
            raise RegistryError(_DEAD_FIRST_LINK)
        email, hashed = _checked_email(email), hashed_password(password)
        with self._connection.write() as transaction:
            if _anybody(transaction) or not self._is_first(transaction, token):
                raise RegistryError(_DEAD_FIRST_LINK)
            transaction.execute(delete(LINKS).where(LINKS.c.token_hash == token_hash(token)))
            if _row(transaction, email) is None:
                values = {"email": email, "role": "owner", "created_ms": self._clock.now_ms()}
                transaction.execute(insert(USERS).values(values))
            user = _one(transaction, email)
            transaction.execute(update(USERS).where(USERS.c.id == user.id).values(role="owner"))
            self._set_password(transaction, user.id, hashed)
            return _one(transaction, email)

    def check(self, email: str, password: str) -> User | None:
        """
        Check an e-mail address and a password; takes as long for somebody unknown.

        Raises:
            SignInThrottled: too many attempts for this account.
        """
        email = email.strip().lower()
        self._attempts.note(email)
        with self._connection.read() as transaction:
            row = _row(transaction, email)
        hashed = None if row is None else row.password_hash
        if not password_fits(hashed, password):
            return None
        assert row is not None
        self._attempts.forget(email)
        if is_outdated(row.password_hash):
            renewed = hashed_password(password)
            with self._connection.write() as transaction:
                transaction.execute(update(USERS).where(USERS.c.id == row.id).values(password_hash=renewed))
        return user_of(row)

    def _link(self, transaction: Connection, user_id: int | None) -> str:
        token, now_ms = new_token(), self._clock.now_ms()
        same = LINKS.c.user_id.is_(None) if user_id is None else LINKS.c.user_id == user_id
        transaction.execute(delete(LINKS).where(same | (LINKS.c.expires_ms <= now_ms)))
        transaction.execute(
            insert(LINKS).values(token_hash=token_hash(token), user_id=user_id, expires_ms=now_ms + LINK_MS_MAX)
        )
        return token

    def _token_user(self, transaction: Connection, token: str) -> User | None:
        row = transaction.execute(
            select(USERS)
            .join_from(LINKS, USERS)
            .where((LINKS.c.token_hash == token_hash(token)) & (LINKS.c.expires_ms > self._clock.now_ms()))
        ).one_or_none()
        return None if row is None else user_of(row)

    def _is_first(self, transaction: Connection, token: str) -> bool:
        same = (LINKS.c.token_hash == token_hash(token)) & LINKS.c.user_id.is_(None)
        good = same & (LINKS.c.expires_ms > self._clock.now_ms())
        return transaction.execute(select(LINKS.c.token_hash).where(good)).first() is not None

    def _set_password(self, transaction: Connection, user_id: int, hashed: str) -> None:
        transaction.execute(update(USERS).where(USERS.c.id == user_id).values(password_hash=hashed))
        for table in (SIGN_INS, LINKS):
            transaction.execute(delete(table).where(table.c.user_id == user_id))


def user_of(row: Row[Any]) -> User:
    """
    Read a person from a row of `users`.
    """
    return User(id=row.id, email=row.email, role=row.role, created_ms=row.created_ms)


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise RegistryError(f"{email[:254]!r} is not an e-mail address: give one such as anna@example.com")
    return email


def _anybody(transaction: Connection) -> bool:
    return transaction.execute(select(USERS.c.id).where(USERS.c.password_hash.is_not(None))).first() is not None


def _row(transaction: Connection, email: str) -> Row[Any] | None:
    return transaction.execute(select(USERS).where(USERS.c.email == email.strip().lower())).one_or_none()


def _one(transaction: Connection, email: str) -> User:
    row = _row(transaction, email)
    if row is None:
        raise RegistryError(f"nobody has the e-mail address {email.strip()[:254]!r}: see `daysalt user list`")
    return user_of(row)
