"""
`VaultRow`: what a collector saw of one address of one site on one UTC day since it last wrote; the vault lane's record.

It has no field for a path, a visitor, a visit or a time finer than the hour, so it cannot be joined to an event.
Encoded as a msgpack array; the field order is the file format, so fields are only ever appended.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

LANE = "vault"
"""Name of the lane's directory in the spool."""
ADDRESS_BYTES = 16
INDEX_BYTES = 16
NONCE_BYTES = 12
CIPHERTEXT_BYTES = 1 + NONCE_BYTES + ADDRESS_BYTES + 16
"""Number of the sub-key, nonce, encrypted address, tag."""
VAULT_SITE = 0
"""The vault itself, for its canary and its marks: no site has this number."""


class VaultRow(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="v"):
    """
    Part of a row of the table `vault`. `day` in days since 1970-01-01 UTC.
    """

    site_id: int
    day: int
    bidx: Annotated[bytes, msgspec.Meta(min_length=INDEX_BYTES, max_length=INDEX_BYTES)]
    """Blind index: 16 bytes under the day's key, see `ingest/vault/cipher.py`."""
    ct: Annotated[bytes, msgspec.Meta(min_length=CIPHERTEXT_BYTES, max_length=CIPHERTEXT_BYTES)]
    """The address, encrypted and bound to site, day, key and index."""
    hours: int
    """Bit h is set when it was seen in hour h, UTC."""
    hits: int

    def __repr__(self) -> str:
        return "<VaultRow>"


_decoder = msgspec.msgpack.Decoder(list[VaultRow])
_encoder = msgspec.msgpack.Encoder()


def encode_row(row: VaultRow) -> bytes:
    """
    Encode one row, ready to be put into a frame beside others.
    """
    return _encoder.encode(row)


def decode_rows(data: bytes | memoryview) -> list[VaultRow]:
    """
    Decode the payload of a frame.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: it is not what this version writes.
    """
    return _decoder.decode(data)
