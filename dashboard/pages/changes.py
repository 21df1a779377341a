"""
How a number changed against the period that is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

from babel.core import Locale

from dashboard.charts import numbers
from dashboard.stats.query import Value

LESS_IS_BETTER = frozenset({"bounce_rate", "exit_rate"})


@dataclass(frozen=True, slots=True)
class Change:
    """
    One number's change.

    Attributes:
        change: as `dashboard.charts.numbers.change` gives it.
        change_text: how much, without its direction; empty where it is not known.
        direction: `up`, `down` or `same`; None where nothing is known to compare with.
        is_good: whether that direction is what one hopes for.
        before_text: what the number was.
    """

    change: float | None = None
    change_text: str = ""
    direction: str | None = None
    is_good: bool = False
    before_text: str = ""
    is_withheld: bool = False


def change_of(metric: str, now: Value, before: Value, before_text: str, locale: Locale) -> Change:
    """
    Compare a metric's value with the one before.
    """
    change = numbers.change(now, before, metric)
    if change is None:
        return Change(before_text=before_text)
    # As precise as it is written: what is shown as 0 is no change.
    shown = round(change, 3 if abs(change) < 0.0995 or numbers.is_rate(metric) else 2)
    direction = "up" if shown > 0 else "down" if shown < 0 else "same"
    return Change(
        change,
        numbers.change_text(change, metric, locale),
        direction,
        direction != "same" and (direction == "down") == (metric in LESS_IS_BETTER),
        before_text,
    )
