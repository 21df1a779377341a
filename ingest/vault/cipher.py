"""
What a vault key does: hide an address, and find the row of one without opening any.

The day's key makes two: one encrypts (AES-256-GCM), one gives the blind index (keyed BLAKE2b, 128 bits: fewer would
merge two people's rows). Both die with it. A ciphertext is bound to site, day, key and index, so that it opens in no
other row. All plain texts are 16 bytes long, IPv4 mapped into IPv6: the length tells nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ingest.vault.row import ADDRESS_BYTES, CIPHERTEXT_BYTES, INDEX_BYTES, NONCE_BYTES
from warehouse.days import iso_day

ENCRYPTIONS_MAX = 2**26
"""Under one sub-key by one process, so that 64 processes stay within the 2^32 of NIST SP 800-38D, 8.3."""
SUB_KEYS_MAX = 256
IPV6_NETWORK_BYTES = 8

_MAPPED = bytes(10) + b"\xff\xff"


class VaultUnreadable(Exception):
    """
    A ciphertext does not open: damaged, moved from another row, or its key is gone. Never says which.
    """


class VaultCipher:
    """
    One site and UTC day (in days since 1970-01-01).
    """

    def __init__(
        self,
        key: bytes,
        site_id: int,
        day: int,
        *,
        random_bytes: Callable[[int], bytes] = os.urandom,
        encryptions_max: int = ENCRYPTIONS_MAX,
    ) -> None:
        self._key = key
        self._bound = f"daysalt/vault/1|{site_id}|{iso_day(day)}|vault:{site_id}:{iso_day(day)}|".encode()
        self._index = _index(key)
        self._site = site_id.to_bytes(4, "little")
        self._random_bytes = random_bytes
        self._encryptions_max = encryptions_max
        self._number = 0
        self._left = encryptions_max
        self._cipher = self._sub_cipher(0)

    def index(self, address: bytes) -> bytes:
        """
        Compute the blind index of an address of 16 bytes; see `mapped_address`.
        """
        keyed = self._index.copy()
        keyed.update(self._site + address)
        return keyed.digest()

    def seal(self, index: bytes, address: bytes) -> bytes:
        """
        Encrypt an address of 16 bytes for the row of its index.
        """
        assert len(address) == ADDRESS_BYTES
        if self._left == 0:
            self._roll()
        self._left -= 1
        nonce = self._random_bytes(NONCE_BYTES)
        return b"%c%b%b" % (self._number, nonce, self._cipher.encrypt(nonce, address, self._bound + index))

    def open(self, index: bytes, ciphertext: bytes) -> bytes:
        """
        Decrypt the address of a row.

        Raises:
            VaultUnreadable: it does not belong there.
        """
        if len(ciphertext) != CIPHERTEXT_BYTES:
            raise VaultUnreadable("a row of the vault cannot be read")
        cipher = self._cipher if ciphertext[0] == self._number else self._sub_cipher(ciphertext[0])
        nonce, sealed = ciphertext[1 : 1 + NONCE_BYTES], ciphertext[1 + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, self._bound + index)
        except InvalidTag:
            raise VaultUnreadable("a row of the vault cannot be read") from None

    def _roll(self) -> None:
        assert self._number + 1 < SUB_KEYS_MAX, "2^34 addresses of one site on one day"
        self._number += 1
        self._left = self._encryptions_max
        self._cipher = self._sub_cipher(self._number)

    def _sub_cipher(self, number: int) -> AESGCM:
        return AESGCM(_derived(self._key, b"vault/encrypt/1/%d" % number))


def blind_index(key: bytes, site_id: int, address: bytes) -> bytes:
    """
    Compute the blind index of an address of 16 bytes under the key of a site and day, without setting up its cipher.
    """
    index = _index(key)
    index.update(site_id.to_bytes(4, "little") + address)
    return index.digest()


def mapped_address(address: bytes, *, whole_ipv6: bool) -> bytes:
    """
    Bring a packed address (4 or 16 bytes) to the 16 bytes that the vault keeps: IPv4 mapped into IPv6; of IPv6 all, or
    the /64 with zeros behind it.
    """
    if len(address) == 4:
        return _MAPPED + address
    return address if whole_ipv6 or address.startswith(_MAPPED) else address[:IPV6_NETWORK_BYTES] + bytes(8)


def parsed_address(text: str) -> bytes:
    """
    Read an address that a person typed into its packed form; an IPv4 address mapped into IPv6 is the IPv4 one.

    Raises:
        ValueError: it is none.
    """
    address = ip_address(text.strip().strip("[]"))
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.packed
    return address.packed


def address_of(mapped: bytes) -> IPv4Address | IPv6Address:
    """
    Give back what `mapped_address` took, as far as it is kept.
    """
    address = IPv6Address(mapped)
    return address.ipv4_mapped or address


def _index(key: bytes) -> blake2b:
    return blake2b(digest_size=INDEX_BYTES, key=_derived(key, b"vault/index/1"), person=b"daysalt/vault")


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(key)
