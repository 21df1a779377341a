"""
Hop 6, the shape of what is written: records and visits turned into columns, without a step per row and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ingest.event import Event
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


class _Codes(dict[str, int]):
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
    codes = _Codes()
    places = np.fromiter(map(codes.__getitem__, texts), np.uint32, count)
    return Words(places, list(codes))


def event_columns(
    events: Sequence[Event],
    visit_ids: Sequence[int],
    seqs: Sequence[int],
    attribute_codes: Sequence[int],
    attributes: Iterable[Attributes],
    batch: int,
) -> dict[str, Column]:
    """
    Make the columns of table `events`.

    Args:
        attribute_codes: for every event, the place of its visit's attributes in `attributes`.
    """
    count = len(events)

    def of(name: str) -> Iterable[Any]:
        return map(attrgetter(name), events)

    codes = np.fromiter(attribute_codes, np.uint32, count)
    return {
        "site_id": numbers("UInt32", of("site_id"), count),
        "day": numbers(_DATE, of("day"), count),
        "ts": numbers(_TIME, of("ts"), count),
        "visitor_id": numbers("UInt64", of("visitor_id"), count),
        "visit_id": numbers("UInt64", visit_ids, count),
        "seq": numbers("UInt32", seqs, count),
        "name": words(of("name"), count),
        "hostname": words(of("hostname"), count),
        "pathname": words(of("pathname"), count),
        "interactive": numbers("UInt8", of("interactive"), count),
        "scroll_depth": numbers("UInt8", of("scroll_depth"), count),
        "engagement_ms": numbers("UInt32", of("engagement_ms"), count),
        "props": Maps(count, {row: props for row, props in enumerate(of("props")) if props}),
        "revenue_amount": _money(of("revenue_amount"), count),
        "revenue_currency": words(of("revenue_currency"), count),
        **_attribute_columns(attributes, codes),
        "received_day": numbers(_DATE, of("received_day"), count),
        "batch": numbers("UInt64", repeat(batch, count), count),
    }


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


def _money(amounts: Iterable[str], count: int) -> Numbers:
    values = np.zeros(count, np.int64)
    for row, amount in enumerate(amounts):
        if amount:
            values[row] = int(Decimal(amount).scaleb(MONEY_SCALE))
    return Numbers(_MONEY, values)
