"""
How numbers are written: full, short, and by metric, in a reader's locale.
"""

from __future__ import annotations

import re

from babel.core import Locale
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)

Value = int | float | None

WITHHELD = "–"
"""Shown for a number that is withheld or has no value."""

SHORT_FROM = 10_000
"""Below it every digit is shown: people know the numbers of a small site by heart."""

COMPACT_MONEY_FROM = 100_000


def full(value: Value, locale: Locale) -> str:
    """
    Write every digit.
    """
    return WITHHELD if value is None else format_decimal(value, locale=locale)


def short(value: Value, locale: Locale) -> str:
    """
    Write a number short, such as 12.3k, from `SHORT_FROM` on.
    """
    if value is None or abs(value) < SHORT_FROM:
        return full(value, locale)
    digits = 1 if abs(value) < 100 * 10 ** (3 * ((len(str(int(abs(value)))) - 1) // 3)) else 0
    return format_compact_decimal(value, format_type="short", locale=locale, fraction_digits=digits)


def duration(seconds: Value, locale: Locale) -> str:
    """
    Write seconds as `2m 05s`; units are the same in both languages.
    """
    if seconds is None:
        return WITHHELD
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{full(hours, locale)}h {minutes:02d}m"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def percent(share: float, locale: Locale) -> str:
    """
    Write a share of 1 as percent: one digit below ten, none above.
    """
    if 0 < share < 0.001:
        return "<" + format_percent(0.001, "0.0%" if locale.language == "en" else "0.0 %", locale=locale)
    digits = "0.0" if 0 < share < 0.0995 else "0"
    return format_percent(share, f"{digits}%" if locale.language == "en" else f"{digits} %", locale=locale)


def metric_text(value: Value, metric: str, locale: Locale) -> str:
    """
    Write a metric's value with its unit.
    """
    if value is None:
        return WITHHELD
    if metric in ("visit_duration", "time_on_page"):
        return duration(value, locale)
    if metric.endswith("_rate") or metric in ("percentage", "scroll_depth"):
        return percent(value / 100, locale)
    if metric == "views_per_visit":
        return format_decimal(value, "#,##0.0#", locale=locale)
    return short(value, locale)


def money(value: Value, currency: str | None, locale: Locale, *, short: bool = False) -> str:
    """
    Write an amount in its currency.

    Args:
        short: without cents, which matter little among whole columns of amounts of a hundred and more.
    """
    if value is None or currency is None:
        return WITHHELD
    pattern = locale.currency_formats["standard"].pattern.split(";")[0]
    if get_currency_symbol(currency, locale=locale)[-1:].isalpha():
        # A code such as SEK stands apart from its amount, a sign such as € does not.
        pattern = pattern.replace("¤#", "¤\N{NO-BREAK SPACE}#")
    if short and abs(value) >= COMPACT_MONEY_FROM:
        text = format_compact_currency(value, currency, format_type="short", locale=locale, fraction_digits=1)
        return re.sub(r"(?<=[^\W\d])(?=\d)", "\N{NO-BREAK SPACE}", text)
    if short and abs(value) >= 100:
        whole = pattern.replace(".00", "")
        return format_currency(round(value), currency, whole, locale, currency_digits=False)
    return format_currency(value, currency, pattern, locale)


def is_rate(metric: str) -> bool:
    """
    Tell whether a metric is percent, so that it changes by percentage points.
    """
    return metric.endswith("_rate")


def change_text(share: float, metric: str, locale: Locale) -> str:
    """
    Write how much a metric changed, without its direction: percent, or percentage points for a rate.
    """
    if not is_rate(metric):
        return percent(abs(share), locale)
    points = round(abs(share) * 100, 1)
    return f"{format_decimal(points, locale=locale)}\N{NO-BREAK SPACE}{'p.e.' if locale.language == 'sv' else 'pp'}"


def change(now: Value, before: Value, metric: str) -> float | None:
    """
    Compare with the period before.

    Returns:
        A share of 1 (points / 100 for a rate); None when either is missing or both are 0.
    """
    if now is None or before is None:
        return None
    if is_rate(metric):
        return (now - before) / 100
    if before == 0:
        return 1.0 if now else None
    return (now - before) / before
