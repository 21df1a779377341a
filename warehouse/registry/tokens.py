"""
Random tokens: handed out once, kept as a hash only.
"""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """
    Draw 32 random bytes as text that fits into an address.
    """
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """
    Hash a token for the registry, as 64 hexadecimal digits.

    A fast hash is enough here: nobody guesses 32 random bytes.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
