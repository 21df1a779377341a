"""
Blocks of rows in the engine's own column format, made from numbers in arrays and texts in dictionaries.

A text that comes a thousand times is written once, and nothing is done per row: the drain lives from that.
Source of the layout: https://clickhouse.com/docs/interfaces/formats/Native; of dictionaries, ClickHouse's
`src/DataTypes/Serializations/SerializationLowCardinality.cpp`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_SHARED_DICTIONARY = (1).to_bytes(8, "little")
_HAS_KEYS, _NEW_DICTIONARY = 1 << 9, 1 << 10
_CODE_TYPES = (np.uint8, np.uint16, np.uint32)


@dataclass(frozen=True, slots=True)
class Numbers:
    """
    A column of numbers. `type` is the engine's name of it; dates are days, times are epoch seconds UTC.
    """

    type: str
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    def rows(self) -> list[object]:
        return self.values.tolist()

    def prefix(self) -> bytes:
        return b""

    def body(self) -> bytes:
        return self.values.tobytes()


@dataclass(frozen=True, slots=True)
class Words:
    """
    A column of texts: every row has a code, the place of its text in `words`.
    """

    codes: NDArray[np.uint32]
    words: Sequence[str]
    type: str = "LowCardinality(String)"

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self) -> list[object]:
        return [self.words[code] for code in self.codes.tolist()]

    def prefix(self) -> bytes:
        return _SHARED_DICTIONARY

    def body(self) -> bytes:
        if not len(self.codes):
            return b""
        width = 0 if len(self.words) <= 1 << 8 else 1 if len(self.words) <= 1 << 16 else 2
        sizes = np.array([_HAS_KEYS | _NEW_DICTIONARY | width, len(self.words)], np.uint64)
        codes = self.codes.astype(_CODE_TYPES[width], copy=False)
        count = np.array([len(codes)], np.uint64)
        return b"".join((sizes.tobytes(), _texts(self.words), count.tobytes(), codes.tobytes()))


@dataclass(frozen=True, slots=True)
class Maps:
    """
    A column of text-to-text maps, most of them empty: `filled` has those that are not, by row.
    """

    length: int
    filled: Mapping[int, Mapping[str, str]]
    type: str = "Map(String, String)"

    def __len__(self) -> int:
        return self.length

    def rows(self) -> list[object]:
        return [self.filled.get(row, {}) for row in range(self.length)]

    def prefix(self) -> bytes:
        return b""

    def body(self) -> bytes:
        sizes = np.zeros(self.length, np.uint64)
        for row, entries in self.filled.items():
            sizes[row] = len(entries)
        maps = [self.filled[row] for row in sorted(self.filled)]
        keys = _texts(key for entries in maps for key in entries)
        return b"".join((sizes.cumsum(dtype=np.uint64).tobytes(), keys, _texts(v for m in maps for v in m.values())))


@dataclass(frozen=True, slots=True)
class Tuples:
    """
    A column of tuples, element by element.
    """

    elements: Sequence[Numbers | Words]

    def __len__(self) -> int:
        return len(self.elements[0])

    @property
    def type(self) -> str:
        return f"Tuple({', '.join(element.type for element in self.elements)})"

    def rows(self) -> list[object]:
        return list(zip(*(element.rows() for element in self.elements), strict=True))

    def prefix(self) -> bytes:
        return b"".join(element.prefix() for element in self.elements)

    def body(self) -> bytes:
        return b"".join(element.body() for element in self.elements)


Column: TypeAlias = Numbers | Words | Maps | Tuples


def native_block(columns: Mapping[str, Column]) -> bytes:
    """
    Encode columns of equal length. The engine converts a type to the table's where they differ.
    """
    lengths = {len(column) for column in columns.values()}
    assert len(lengths) == 1, "columns of one block are equally long"
    parts = [_size(len(columns)), _size(lengths.pop())]
    for name, column in columns.items():
        parts += (_texts((name, column.type)), column.prefix(), column.body())
    return b"".join(parts)


def _texts(texts: Iterable[str]) -> bytes:
    parts: list[bytes] = []
    for text in texts:
        encoded = text.encode()
        parts += (_size(len(encoded)), encoded)
    return b"".join(parts)


def _size(number: int) -> bytes:
    if number < 128:
        return _SMALL[number]
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


_SMALL = [bytes((number,)) for number in range(128)]
