"""
Hop 2, revenue: an amount of money from a stranger, exact. Pure; what cannot be money is none, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files

AMOUNT_MAX = Decimal("999999999999999.999")
"""What the warehouse's Decimal(18, 3) holds."""

_AMOUNT = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?\Z")
_THOUSANDTH = Decimal("0.001")


def read_currencies(text: str) -> frozenset[str]:
    """
    Read a list of codes, one a line; lines beginning with `#` are notes.
    """
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


CURRENCIES = read_currencies(files("ingest").joinpath("data/currencies.txt").read_text(encoding="ascii"))
"""ISO 4217 codes that are believed."""


def read_revenue(pair: Mapping[str, object]) -> tuple[Decimal, str] | None:
    """
    Read `amount` (a number or its text) and `currency` (a code, in any case).

    Returns:
        Amount with at most three places, and the code in upper case; None when either is not what it should be.
    """
    amount, currency = pair.get("amount"), pair.get("currency")
    if isinstance(amount, bool) or not isinstance(amount, (int, str, Decimal)) or not isinstance(currency, str):
        return None
    code = currency.strip().upper()
    # The pattern bounds the digits before any arithmetic: "1e999999" would be a million of them.
    text = str(amount).strip()
    if code not in CURRENCIES or not _AMOUNT.match(text):
        return None
    exact = Decimal(text)
    if abs(exact) > AMOUNT_MAX:
        return None
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    return (exact if exponent >= -3 else exact.quantize(_THOUSANDTH)), code
