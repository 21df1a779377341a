"""
Hop 6, the shape of what is written: records and visits turned into columns, without a step per row and column.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from warehouse.native import Column, Maps, Numbers, Tuples, Words

ATTRIBUTES = (
    "referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "click_id",
    "country", "region", "city", "browser", "browser_version", "os", "os_version", "device",
)  # fmt: skip
"""What the first event of a visit decides for all of it."""

Attributes: TypeAlias = tuple[str | int, ...]
Page: TypeAlias = tuple[int, str, str]

_DATE, _TIME, _MONEY = "Date", "DateTime('UTC')", "Decimal(18, 3)"
_NUMBERS: Mapping[str, type[np.unsignedinteger[Any]]] = {
    "UInt8": np.uint8,
    "UInt16": np.uint16,
    "UInt32": np.uint32,
    "UInt64": np.uint64,
    _DATE: np.uint16,
    _TIME: np.uint32,
}
MONEY_SCALE = 3

_ROW: Sequence[tuple[str, str]] = (
    ("site_id", "I"), ("day", "H"), ("ts", "I"), ("visitor_id", "Q"), ("visit", "I"), ("name", "I"),
    ("hostname", "I"), ("pathname", "I"), ("interactive", "B"), ("scroll_depth", "B"), ("engagement_ms", "I"),
    ("received_day", "H"), ("attributes", "I"),
)  # fmt: skip
NO_VISIT_PLACE = 2**32 - 1
"""In the place of a visit, for a hit without a visitor. A batch has fewer visits."""
pack_event = struct.Struct("<" + "".join(letter for _, letter in _ROW)).pack
"""Pack a row of `EventRows`, with the place of its visit among those of the batch, and codes for the texts and
attributes. Raises struct.error for what does not fit."""
_LETTERS = {"B": "u1", "H": "<u2", "I": "<u4", "Q": "<u8"}
_ROW_TYPE = np.dtype([(name, _LETTERS[letter]) for name, letter in _ROW])


class Codes(dict[str, int]):
    """
    Numbers texts in the order they come.
    """

    def __missing__(self, text: str) -> int:
        self[text] = code = len(self)
        return code


def numbers(kind: str, values: Iterable[int], count: int) -> Numbers:
    """
    Make a column of an engine type of numbers.
    """
    return Numbers(kind, np.fromiter(values, _NUMBERS[kind], count))


def words(texts: Iterable[str], count: int) -> Words:
    """
    Make a column of texts.
    """
    codes = Codes()
    places = np.fromiter(map(codes.__getitem__, texts), np.uint32, count)
    return Words(places, list(codes))


class EventRows:
    """
    The events of one batch, packed as they come, so that nothing of a record outlives its turn.

    A record takes some 1,000 bytes and a row 54: what stays small stays in the processor's cache.
    """

    def __init__(self) -> None:
        self.packed: list[bytes] = []
        self.names = Codes()
        self.hostnames = Codes()
        self.pathnames = Codes()
        self.attributes: dict[Attributes, int] = {}
        self.props: dict[int, Mapping[str, str]] = {}
        self.revenues: dict[int, tuple[str, str]] = {}

    def array(self) -> NDArray[np.void]:
        """
        Give the rows as one array with a field by name for each column.
        """
        return np.frombuffer(b"".join(self.packed), _ROW_TYPE)

    def columns(
        self, batch: int, rows: NDArray[np.void], visit_ids: NDArray[np.uint64], seqs: NDArray[np.uint32]
    ) -> dict[str, Column]:
        """
        Make the columns of table `events`.

        Args:
            rows: as `array` gave them.
            visit_ids, seqs: by row; 0 for a row without a visit.
        """
        count = len(rows)

        def of(kind: str, name: str) -> Numbers:
            return Numbers(kind, rows[name])

        def texts(name: str, codes: Codes) -> Words:
            return Words(rows[name], list(codes))

        return {
            "site_id": of("UInt32", "site_id"),
            "day": of(_DATE, "day"),
            "ts": of(_TIME, "ts"),
            "visitor_id": of("UInt64", "visitor_id"),
            "visit_id": Numbers("UInt64", visit_ids),
            "seq": Numbers("UInt32", seqs),
            "name": texts("name", self.names),
            "hostname": texts("hostname", self.hostnames),
            "pathname": texts("pathname", self.pathnames),
            "interactive": of("UInt8", "interactive"),
            "scroll_depth": of("UInt8", "scroll_depth"),
            "engagement_ms": of("UInt32", "engagement_ms"),
            "props": Maps(count, self.props),
            **self._revenue_columns(count),
            **_attribute_columns(self.attributes, rows["attributes"]),
            "received_day": of(_DATE, "received_day"),
            "batch": numbers("UInt64", repeat(batch, count), count),
        }

    def _revenue_columns(self, count: int) -> dict[str, Column]:
        amounts, currencies, codes = np.zeros(count, np.int64), np.zeros(count, np.uint32), Codes({"": 0})
        for row, (amount, currency) in self.revenues.items():
            amounts[row] = int(Decimal(amount or "0").scaleb(MONEY_SCALE))
            currencies[row] = codes[currency]
        return {"revenue_amount": Numbers(_MONEY, amounts), "revenue_currency": Words(currencies, list(codes))}


def visit_columns(
    visits: Sequence[Any], attribute_codes: Sequence[int], attributes: Iterable[Attributes]
) -> dict[str, Column]:
    """
    Make the columns of table `visits`, of objects with an attribute of each column's name.

    Args:
        attribute_codes: for every visit, the place of its attributes in `attributes`.
    """
    count = len(visits)

    def of(name: str) -> Iterable[Any]:
        return map(attrgetter(name), visits)

    return {
        "site_id": numbers("UInt32", of("site_id"), count),
        "day": numbers(_DATE, of("day"), count),
        "visitor_id": numbers("UInt64", of("visitor_id"), count),
        "visit_id": numbers("UInt64", of("visit_id"), count),
        "start": numbers(_TIME, of("start"), count),
        "end": numbers(_TIME, of("end"), count),
        "pageviews": numbers("UInt32", of("pageviews"), count),
        "events": numbers("UInt32", of("events"), count),
        "interactions": numbers("UInt32", of("interactions"), count),
        "entry": _pages(list(of("entry"))),
        "exit": _pages(list(of("exit"))),
        **_attribute_columns(attributes, np.fromiter(attribute_codes, np.uint32, count)),
        "received_day": numbers(_DATE, of("received_day"), count),
    }


def drop_columns(drops: Mapping[tuple[int, int, str], int], batch: int) -> dict[str, Column]:
    """
    Make the columns of table `drops`, of hits by site, hour (epoch seconds UTC) and reason.
    """
    count = len(drops)
    return {
        "site_id": numbers("UInt32", (site for site, _, _ in drops), count),
        "hour": numbers(_TIME, (hour for _, hour, _ in drops), count),
        "reason": words((reason for _, _, reason in drops), count),
        "hits": numbers("UInt64", drops.values(), count),
        "batch": numbers("UInt64", repeat(batch, count), count),
    }


def _attribute_columns(attributes: Iterable[Attributes], codes: NDArray[np.uint32]) -> dict[str, Column]:
    # Few visits of a batch differ in all of this: the work is done once per distinct set, and rows only take a place.
    distinct: list[Any] = list(zip(*attributes, strict=True)) or [()] * len(ATTRIBUTES)
    columns: dict[str, Column] = {}
    for name, values in zip(ATTRIBUTES, distinct, strict=True):
        if name == "city":
            columns[name] = Numbers("UInt32", np.array(values, np.uint32)[codes])
        else:
            column = words(values, len(values))
            columns[name] = Words(column.codes[codes], column.words)
    return columns


def _pages(pages: Sequence[Page]) -> Tuples:
    count = len(pages)

    def element(place: int) -> Iterable[Any]:

        return map(itemgetter(place), pages)

    return Tuples((numbers("UInt32", element(0), count), words(element(1), count), words(element(2), count)))
