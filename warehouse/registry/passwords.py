"""
Passwords: argon2id, with the same work for an account that does not exist.
"""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from warehouse.registry.errors import RegistryError

PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 1024
"""Hashing takes time with length; nobody types more."""

_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
"""RFC 9106, second recommended option, with one lane: the machine has other work."""


def hashed_password(password: str) -> str:
    """
    Hash a password that may be used.

    Raises:
        RegistryError: it is too short or too long.
    """
    if len(password) < PASSWORD_CHARS_MIN:
        raise RegistryError(f"the password has {len(password)} characters: use at least {PASSWORD_CHARS_MIN}")
    if len(password) > PASSWORD_CHARS_MAX:
        raise RegistryError(f"the password has {len(password)} characters: use at most {PASSWORD_CHARS_MAX}")
    return _HASHER.hash(password)


def password_fits(hashed: str | None, password: str) -> bool:
    """
    Tell whether a password is the hashed one; None does the same work and never fits.
    """
    try:
        fits = _HASHER.verify(hashed or _nobody(), password[: PASSWORD_CHARS_MAX + 1])
    except (VerificationError, InvalidHashError):
        return False
    return fits and hashed is not None


def is_outdated(hashed: str) -> bool:
    """
    Tell whether a hash was made with weaker parameters than today's.
    """
    return _HASHER.check_needs_rehash(hashed)


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")
