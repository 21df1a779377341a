"""
Attempts to sign in, counted by account, so that passwords cannot be tried out.

The account is kept as a hash, also when nobody has it, and goes when its window is over.
"""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from warehouse.clock import Clock
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import SignInThrottled
from warehouse.registry.schema import ATTEMPTS
from warehouse.registry.tokens import token_hash

ATTEMPTS_MAX = 10
WINDOW_MS = 15 * 60 * 1000


class Attempts:
    """
    The attempts of the last quarter of an hour.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def note(self, email: str) -> None:
        """
        Count one attempt before the password is looked at, so that attempts at the same moment count too.

        Raises:
            SignInThrottled: ten failed within a quarter of an hour; the account waits for the rest of it.
        """
        account, now_ms = token_hash(email), self._clock.now_ms()
        with self._connection.write() as transaction:
            # A clock set back would keep a row from the future for good.
            past = (ATTEMPTS.c.first_ms <= now_ms - WINDOW_MS) | (ATTEMPTS.c.first_ms > now_ms)
            transaction.execute(delete(ATTEMPTS).where(past))
            row = transaction.execute(select(ATTEMPTS).where(ATTEMPTS.c.account_hash == account)).one_or_none()
            if row is None:
                transaction.execute(insert(ATTEMPTS).values(account_hash=account, failures=1, first_ms=now_ms))
                return
            if row.failures >= ATTEMPTS_MAX:
                wait_seconds = max(1, (row.first_ms + WINDOW_MS - now_ms + 999) // 1000)
                minutes = -(-wait_seconds // 60)
                raise SignInThrottled(
                    f"too many attempts for this account: try again in {minutes} minute{'s' if minutes != 1 else ''}",
                    wait_seconds,
                )
            transaction.execute(
                update(ATTEMPTS).where(ATTEMPTS.c.account_hash == account).values(failures=ATTEMPTS.c.failures + 1)
            )

    def forget(self, email: str) -> None:
        """
        Forget an account's attempts after one that worked.
        """
        with self._connection.write() as transaction:
            transaction.execute(delete(ATTEMPTS).where(ATTEMPTS.c.account_hash == token_hash(email)))
