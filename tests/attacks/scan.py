"""
Looks for addresses in every file below a folder, in the forms in which they would leak.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path

RANDOM_BYTES_MIN = 8
"""A packed IPv4 address is four bytes: in megabytes of compressed columns they come up by chance. Longer needles do not
and are looked for everywhere; the short ones in all files but those of the warehouse."""


def needles(address: str) -> dict[str, bytes]:
    """
    Give the forms in which an address could lie in a file.
    """
    parsed = ip_address(address)
    packed = parsed.packed
    forms = {
        "text": address.encode(),
        "upper case": address.upper().encode(),
        "packed": packed,
        "packed, other byte order": packed[::-1],
        "hex": packed.hex().encode(),
        "upper hex": packed.hex().upper().encode(),
        "long text": parsed.exploded.encode(),
        "percent-encoded": address.replace(":", "%3A").encode() if parsed.version == 6 else address.encode(),
        "decimal": str(int(parsed)).encode(),
    }
    if parsed.version == 6:
        forms |= {"/64": packed[:8], "/64 hex": packed[:8].hex().encode()}
    else:
        forms["mapped"] = b"\xff\xff" + packed
    for name, raw in {"text": address.encode(), "packed": packed}.items():
        for alphabet, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            for shift in range(3):
                forms[f"{alphabet} of {name}, shifted by {shift}"] = _middle(
                    encode(bytes(shift) + raw), shift, len(raw)
                )
    return forms


def traces(folder: Path, addresses: Iterable[str]) -> list[str]:
    """
    Name every file that holds one of the addresses, with the form it was found in.
    """
    wanted = [(form, needle) for address in addresses for form, needle in needles(address).items()]
    found: list[str] = []
    for path in files_of(folder):
        data = path.read_bytes()
        compressed = "warehouse" in path.relative_to(folder).parts
        for form, needle in wanted:
            if compressed and len(needle) < RANDOM_BYTES_MIN:
                continue
            if needle in data:
                found.append(f"{path.relative_to(folder)}: {form}")
    return found


def files_of(folder: Path) -> Iterator[Path]:
    """
    Walk all plain files below a folder.
    """
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _middle(encoded: bytes, shift: int, length: int) -> bytes:
    """
    Cut base64 down to the characters that depend on the wanted bytes alone.
    """
    first = -(-shift * 8 // 6)
    last = (shift + length) * 8 // 6
    return encoded[first:last]
