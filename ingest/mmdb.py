"""
Write an mmdb file from sorted ranges: a binary tree over address bits, and behind it each different record once.

Made for hundreds of thousands of ranges: one pass, two flat arrays, seconds and tens of megabytes.
Source: MaxMind DB file format, version 2.0 (https://maxmind.github.io/MaxMind-DB/).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

Record = Mapping[str, "str | int"]
Range = tuple[int, int, Record]
"""First and last address as 128-bit numbers (IPv4 as the low 32 bits), and what is known of it."""

BITS = 128
_DATA = 1 << 31
_SEPARATOR = bytes(16)
_MARKER = b"\xab\xcd\xefMaxMind.com"


def write_mmdb(ranges: Iterable[Range], *, kind: str, description: str, built_s: int) -> bytes:
    """
    Make the bytes of a database.

    Args:
        ranges: ascending, none overlapping another.
        kind: the database's type, as readers show it.
        built_s: epoch seconds.
    """
    tree = _Tree()
    data, places = bytearray(), dict[tuple[tuple[str, str | int], ...], int]()
    for first, last, record in ranges:
        known = tuple(record.items())
        place = places.get(known)
        if place is None:
            place = places[known] = len(data)
            data += _encoded_map(record)
        for prefix, length in _prefixes(first, last):
            tree.add(prefix, length, place)
    nodes = tree.nodes()
    numbers = (
        ("binary_format_major_version", _number(5, 2)),
        ("binary_format_minor_version", _number(5, 0)),
        ("build_epoch", _number(9, built_s)),
        ("ip_version", _number(5, 6)),
        ("node_count", _number(6, nodes)),
        ("record_size", _number(5, 28)),
    )
    texts = (
        ("database_type", _text(kind)),
        ("description", _control(7, 1) + _text("en") + _text(description)),
        ("languages", _control(11, 1) + _text("en")),
    )
    pairs = b"".join(_text(name) + value for name, value in (*numbers, *texts))
    metadata = _control(7, len(numbers) + len(texts)) + pairs
    return tree.packed(len(_SEPARATOR)) + _SEPARATOR + bytes(data) + _MARKER + metadata


class _Tree:
    def __init__(self) -> None:
        self._left, self._right = array("L", [0]), array("L", [0])
        self._path = [0] * (BITS + 1)
        self._last_prefix, self._last_length = 0, 0

    def add(self, prefix: int, length: int, place: int) -> None:
        # Ranges ascend, so everything down to the first bit that differs from the one before is there already.
        common = BITS - (prefix ^ self._last_prefix).bit_length()
        depth = min(common, length - 1, max(self._last_length - 1, 0))
        node = self._path[depth]
        for at in range(depth, length - 1):
            side = self._right if prefix >> (BITS - 1 - at) & 1 else self._left
            following = side[node]
            if not following:
                following = len(self._left)
                side[node] = following
                self._left.append(0)
                self._right.append(0)
            node = following
            self._path[at + 1] = node
        side = self._right if prefix >> (BITS - length) & 1 else self._left
        side[node] = _DATA | place
        self._last_prefix, self._last_length = prefix, length

    def nodes(self) -> int:
        return len(self._left)

    def packed(self, separator: int) -> bytes:
        nodes = self.nodes()
        packed = bytearray()
        for left, right in zip(self._left, self._right, strict=True):
            one, two = _pointer(left, nodes, separator), _pointer(right, nodes, separator)
            packed += (one & 0xFFFFFF).to_bytes(3) + bytes((one >> 24 << 4 | two >> 24,)) + (two & 0xFFFFFF).to_bytes(3)
        return bytes(packed)


def _pointer(value: int, nodes: int, separator: int) -> int:
    if not value:
        return nodes
    return nodes + separator + (value & ~_DATA) if value & _DATA else value


def _prefixes(first: int, last: int) -> Iterable[tuple[int, int]]:
    while first <= last:
        aligned = (first & -first).bit_length() - 1 if first else BITS
        size = min(aligned, (last - first + 1).bit_length() - 1)
        yield first, BITS - size
        first += 1 << size


def _encoded_map(record: Record) -> bytes:
    pairs = [
        _text(name) + (_text(value) if isinstance(value, str) else _number(6, value)) for name, value in record.items()
    ]
    return _control(7, len(pairs)) + b"".join(pairs)


def _text(text: str) -> bytes:
    packed = text.encode()[:60_000]
    return _control(2, len(packed)) + packed


def _number(kind: int, value: int) -> bytes:
    packed = value.to_bytes(8).lstrip(b"\x00")
    return _control(kind, len(packed)) + packed


def _control(kind: int, size: int) -> bytes:
    # Kinds: 2 text, 5 and 6 and 9 numbers of 16, 32 and 64 bits, 7 map, 11 array; from 8 on they take a second byte.
    long = b""
    if size >= 285:
        long, size = (size - 285).to_bytes(2), 30
    elif size >= 29:
        long, size = bytes((size - 29,)), 29
    head = bytes((kind << 5 | size,)) if kind < 8 else bytes((size, kind - 7))
    return head + long
