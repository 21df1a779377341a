"""
Looks for given addresses in every file of the data directory and every column of the store, in the forms in which they
would leak.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path

from daysalt.checks.check import Check
from daysalt.commands.failures import sentence
from daysalt.commands.store import Answer, stored, with_store
from warehouse.client import Warehouse
from warehouse.settings import Settings
from warehouse.table_search import search_tables

CHANCE_BYTES_MAX = 7
"""A packed IPv4 address is four bytes, which come up by chance in binary files; longer needles do not."""
CHUNK_BYTES = 4 * 1024 * 1024
_WHY: Mapping[str, str] = {
    "spool": "the spool holds safe records and ciphertext only: keep the file and report it",
    "quarantine": "bytes set aside are deleted after DAYSALT_IP_RETENTION_DAYS: look why they were refused",
    "warehouse": "no table holds an address: see whether a page's URL or a property of an event carries it",
    "keys": "the keys directory holds wrapped keys only: keep the file and report it",
    "proofs": "proofs hold no address: keep the file and report it",
    "drain": "the drain's state names files and numbers only: keep the file and report it",
}
_WHY_ELSE = "Daysalt writes no address there: see which program made the file, and delete it"


class AddressesError(Exception):
    """
    What was given to look for is no list of addresses. The text says which line.
    """


def read_addresses(lines: Iterable[str]) -> list[str]:
    """
    Read addresses, one a line; empty lines are passed over.

    Raises:
        AddressesError: a line is none, or there is none at all.
    """
    addresses: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            ip_address(text)
        except ValueError:
            raise AddressesError(f"line {number} is not an IP address: write one a line, such as 203.0.113.7") from None
        addresses.append(text)
    if not addresses:
        raise AddressesError("there is no address to look for: write one a line, such as 203.0.113.7")
    return addresses


def check_addresses(settings: Settings, addresses: Iterable[str]) -> list[Check]:
    """
    Look for addresses. A finding names the file, the form and which of the addresses it was by number, not itself.
    """
    needles = [
        (number, form, needle)
        for number, address in enumerate(addresses, start=1)
        for form, needle in needles_of(address).items()
    ]
    found: list[Check] = []
    files = 0
    for folder in _folders(settings):
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            files += 1
            found.extend(_finding(path, folder, number, form, needle) for number, form, needle in _held(path, needles))
    try:
        found.extend(_in_tables(settings, needles))
    except Exception as error:  # the edge: what the files held must be told all the same
        found.append(Check("addresses", "unwell", f"the store could not be searched: {sentence(error)}"))
    return found or [Check("addresses", "well", f"in none of {files} files, and in no column of any table")]


def _in_tables(settings: Settings, needles: list[tuple[int, str, bytes]]) -> list[Check]:
    """
    Ask the store, which has its columns compressed; numbers are compared as a whole, short bytes left out.
    """
    if not stored(settings):
        return []
    found: list[Check] = []
    for number in sorted({number for number, _, _ in needles}):
        own = [(form, needle) for of, form, needle in needles if of == number]
        texts = [needle for form, needle in own if len(needle) > CHANCE_BYTES_MAX and "decimal" not in form]
        numbers = [needle.decode() for form, needle in own if "decimal" in form]

        def alone(warehouse: Warehouse, texts: list[bytes] = texts, numbers: list[str] = numbers) -> Answer:
            return {"hits": [asdict(hit) for hit in search_tables(warehouse, texts, numbers)]}

        hits = with_store(
            settings, alone, "search_tables", needles=[needle.hex() for needle in texts], numbers=numbers
        )["hits"]
        found += [
            Check(
                "addresses",
                "unwell",
                f"address {number} lies in {hit['rows']} rows of {hit['table']}, column {hit['column']}: "
                f"{_WHY['warehouse']}",
            )
            for hit in hits
        ]
    return found


def needles_of(address: str) -> dict[str, bytes]:
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
        "percent-encoded": address.replace(":", "%3A").replace(".", "%2E").encode(),
        "percent-encoded, lower case": address.replace(":", "%3a").replace(".", "%2e").encode(),
        "decimal": str(int(parsed)).encode(),
    }
    if parsed.version == 6:
        groups = ":".join(f"{int(group, 16):x}" for group in parsed.exploded.split(":")[:4])
        forms |= {
            "/64": packed[:8],
            "/64 hex": packed[:8].hex().encode(),
            "/64 text": f"{groups}:".encode(),  # found with any host behind it
            "/64 long text": parsed.exploded[:19].encode(),
        }
    else:
        forms |= {
            "decimal, other byte order": str(int.from_bytes(packed, "little")).encode(),
            "mapped": b"\xff\xff" + packed,
            "mapped text": f"::ffff:{address}".encode(),
            "mapped hex text": "::ffff:{:x}:{:x}".format(*struct.unpack("!HH", packed)).encode(),
        }
    for name, raw in {"text": address.encode(), "packed": packed}.items():
        for alphabet, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            for shift in range(3):
                forms[f"{alphabet} of {name}, shifted by {shift}"] = _middle(
                    encode(bytes(shift) + raw), shift, len(raw)
                )
    kept: dict[str, bytes] = {}
    for form, needle in forms.items():
        # Upper case changes nothing in IPv4: of forms that are the same bytes the first one is told.
        if needle not in kept.values():
            kept[form] = needle
    return kept


def _folders(settings: Settings) -> list[Path]:
    folders = [settings.data_dir]
    for other in (settings.keys_dir, settings.spool_dir):
        if other.exists() and not other.is_relative_to(settings.data_dir):
            folders.append(other)
    return folders


def _held(path: Path, needles: list[tuple[int, str, bytes]]) -> Iterator[tuple[int, str, bytes]]:
    left = needles
    overlap = max(len(needle) for _, _, needle in needles)
    tail = b""
    try:
        with path.open("rb") as file:
            while left and (chunk := file.read(CHUNK_BYTES)):
                data = tail + chunk
                held = [one for one in left if one[2] in data]
                yield from held
                left = [one for one in left if one not in held]
                tail = data[-overlap:]
    except FileNotFoundError:
        return  # the server removed it meanwhile


def _finding(path: Path, folder: Path, number: int, form: str, needle: bytes) -> Check:
    where = path.relative_to(folder)
    what = f"address {number} lies in {where} as {form}"
    binary = form in ("packed", "packed, other byte order", "mapped", "/64")
    if binary and len(needle) <= CHANCE_BYTES_MAX:
        return Check("addresses", "note", f"{what}: {len(needle)} bytes, which also come up by chance")
    why = next((_WHY[part] for part in reversed((folder.name, *where.parts)) if part in _WHY), _WHY_ELSE)
    return Check("addresses", "unwell", f"{what}: {why}")


def _middle(encoded: bytes, shift: int, length: int) -> bytes:
    """
    Cut base64 down to the characters that depend on the wanted bytes alone.
    """
    first = -(-shift * 8 // 6)
    last = (shift + length) * 8 // 6
    return encoded[first:last]
