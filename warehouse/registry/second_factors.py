"""
The second factor of people: an app's code or a recovery code, after the password.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import delete, func, insert, select, update

from warehouse.clock import Clock
from warehouse.registry.attempts import Attempts
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import RECOVERY_CODES, USERS
from warehouse.registry.tokens import token_hash
from warehouse.registry.totp import fitting_step
from warehouse.registry.users import User, user_of

RECOVERY_CODES_MADE = 8
TICKET_MS_MAX = 5 * 60 * 1000
"""How long after the password the code may come."""

_WRONG = "the code is wrong or was used already: take the next one that the app shows"


class SecondFactors:
    """
    The second factors of a registry's people.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._attempts = Attempts(connection, clock)

    def is_on(self, user_id: int) -> bool:
        """
        Tell whether a person needs a code after the password.
        """
        with self._connection.read() as transaction:
            query = select(USERS.c.totp_secret).where(USERS.c.id == user_id)
            return transaction.execute(query).scalar_one_or_none() is not None

    def switch_on(self, user_id: int, secret: str, code: str) -> list[str]:
        """
        Begin to ask for codes, once one fits.

        Returns:
            Recovery codes, which cannot be read again.

        Raises:
            RegistryError: the code does not fit.
        """
        step = fitting_step(secret, code, self._clock.now_ms(), None)
        if step is None:
            raise RegistryError(_WRONG)
        codes = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(RECOVERY_CODES_MADE)]
        with self._connection.write() as transaction:
            values = {"totp_secret": secret, "totp_step": step}
            transaction.execute(update(USERS).where(USERS.c.id == user_id).values(values))
            transaction.execute(delete(RECOVERY_CODES).where(RECOVERY_CODES.c.user_id == user_id))
            rows = [{"user_id": user_id, "code_hash": token_hash(code)} for code in codes]
            transaction.execute(insert(RECOVERY_CODES), rows)
        return codes

    def switch_off(self, user_id: int) -> None:
        """
        Ask for codes no longer.
        """
        with self._connection.write() as transaction:
            values = {"totp_secret": None, "totp_step": None}
            transaction.execute(update(USERS).where(USERS.c.id == user_id).values(values))
            transaction.execute(delete(RECOVERY_CODES).where(RECOVERY_CODES.c.user_id == user_id))

    def recovery_codes_left(self, user_id: int) -> int:
        """
        Count the recovery codes that were not used.
        """
        query = select(func.count()).select_from(RECOVERY_CODES).where(RECOVERY_CODES.c.user_id == user_id)
        with self._connection.read() as transaction:
            return int(transaction.execute(query).scalar_one())

    def ticket(self, user: User) -> str:
        """
        Write what shows, for five minutes, that a person's password was right; another password makes it useless.
        """
        expires_ms = self._clock.now_ms() + TICKET_MS_MAX
        return f"{user.id}.{expires_ms}.{self._signature(user.id, expires_ms)}"

    def check(self, ticket: str, code: str) -> User | None:
        """
        Check a ticket and a code: the app's or a recovery code, each good once.

        Raises:
            SignInThrottled: too many attempts for this account.
        """
        number, expires, signature = [*ticket.split("."), "", ""][:3]
        if not (number.isascii() and number.isdigit() and expires.isascii() and expires.isdigit()):
            return None
        user_id, expires_ms = int(number[:18]), int(expires[:18])
        good = self._signature(user_id, expires_ms)
        if not hmac.compare_digest(good.encode(), signature.encode("utf-8", "surrogatepass")):
            return None
        now_ms = self._clock.now_ms()
        if expires_ms <= now_ms:
            return None
        account = f"second factor {user_id}"
        self._attempts.note(account)
        with self._connection.write() as transaction:
            row = transaction.execute(select(USERS).where(USERS.c.id == user_id)).one_or_none()
            if row is None or row.totp_secret is None:
                return None
            step = fitting_step(row.totp_secret, code, now_ms, row.totp_step)
            if step is not None:
                transaction.execute(update(USERS).where(USERS.c.id == user_id).values(totp_step=step))
            else:
                same = (RECOVERY_CODES.c.user_id == user_id) & (
                    RECOVERY_CODES.c.code_hash == token_hash(code.strip().lower())
                )
                if not transaction.execute(delete(RECOVERY_CODES).where(same)).rowcount:
                    return None
            user = user_of(row)
        self._attempts.forget(account)
        return user

    def _signature(self, user_id: int, expires_ms: int) -> str:
        with self._connection.read() as transaction:
            hashed = transaction.execute(
                select(USERS.c.password_hash).where(USERS.c.id == user_id)
            ).scalar_one_or_none()
        # Nobody, or somebody without a password: a random key, so that nothing fits.
        key = hashed.encode() if hashed else secrets.token_bytes(32)
        return hmac.new(key, f"daysalt second factor {user_id} {expires_ms}".encode(), hashlib.sha256).hexdigest()
