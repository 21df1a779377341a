"""
When an event of a batch happened: ISO 8601 text or epoch milliseconds, as a stranger wrote it. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from ingest.decode import WireError

AGE_MS_MAX = 24 * 3600 * 1000
AHEAD_MS_MAX = 60 * 1000
"""Clocks of senders are never quite right."""
TEXT_LENGTH_MAX = 64
_EPOCH_DIGITS_MIN = 12
"""Text of so many digits is milliseconds (since 1973); shorter ones are dates such as 20260131."""
_EPOCH_MS_MAX = 10**15

REASON = "is not an ISO 8601 time or epoch milliseconds"


def read_timestamp(sent: object, received_ms: int) -> int | None:
    """
    Read the time of an event, in epoch milliseconds UTC; by default the one at which it was received.

    Returns:
        None when it lies too far back or ahead to be counted. A little ahead is now: nothing happens later than it
        is received, and the drain would wait for it. Text without an offset is taken as UTC.

    Raises:
        WireError: it is no time.
    """
    if sent is None:
        return received_ms
    at_ms = epoch_ms(sent)
    if at_ms is None or not -AGE_MS_MAX <= at_ms - received_ms <= AHEAD_MS_MAX:
        return None
    return min(at_ms, received_ms)


def epoch_ms(sent: object) -> int | None:
    """
    Read a time, in epoch milliseconds UTC.

    Returns:
        None when it is a number far beyond any time.

    Raises:
        WireError: it is no time.
    """
    if isinstance(sent, str):
        text = sent.strip()
        if len(text) <= TEXT_LENGTH_MAX and text.isascii():
            if not (text.isdigit() and len(text) >= _EPOCH_DIGITS_MIN):
                return _iso_ms(text)
            sent = int(text)
    # Bounded before any arithmetic: 1e999999 is a valid number in JSON.
    if isinstance(sent, (int, Decimal)) and not isinstance(sent, bool):
        return int(sent) if abs(sent) < _EPOCH_MS_MAX else None
    raise WireError("timestamp", REASON)


def _iso_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise WireError("timestamp", REASON) from None
