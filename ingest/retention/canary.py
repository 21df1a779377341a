"""
The canary: an address nobody has, sealed under the keys of a day, to show that they opened something and do not any
more. One lies in the vault's own table, brought there as visitors' addresses are; others are made when a day dies.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.vault.cipher import VaultCipher, VaultUnreadable, blind_index
from ingest.vault.row import VAULT_SITE

ADDRESS = bytes.fromhex("20010db8000000000000000000ca7a47")
"""In 2001:db8::/32, which is for documentation (RFC 3849): no visitor can have it."""
NONCE_BYTES = 12


def seal_canary(key: bytes, day: str) -> str:
    """
    Encrypt the canary under a key of the vault.

    Args:
        day: ISO date, bound to the ciphertext.

    Returns:
        Nonce and ciphertext, in base64.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(_derived(key)).encrypt(nonce, ADDRESS, day.encode())).decode("ascii")


def opens_canary(key: bytes, day: str, sealed: str) -> bool:
    """
    Tell whether a key still opens a canary.
    """
    data = base64.b64decode(sealed)
    try:
        return AESGCM(_derived(key)).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], day.encode()) == ADDRESS
    except InvalidTag:
        return False


def table_index(key: bytes) -> bytes:
    """
    Compute the blind index of the canary in the vault's table, under the key of the vault itself for a day.
    """
    return blind_index(key, VAULT_SITE, ADDRESS)


def opens_table_canary(key: bytes, day: int, index: bytes, ciphertext: bytes) -> bool:
    """
    Tell whether a key opens the canary of the table.

    Args:
        day: in days since 1970-01-01.
    """
    try:
        return VaultCipher(key, VAULT_SITE, day).open(index, ciphertext) == ADDRESS
    except VaultUnreadable:
        return False


def _derived(key: bytes) -> bytes:
    # Not the key itself: what the vault encrypts with and this must not meet.
    return hashlib.blake2b(b"", key=key, person=b"daysalt/canary", digest_size=32).digest()
