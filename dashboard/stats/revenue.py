"""
Revenue: in which currency it is counted, and how an amount is written.

Amounts are kept in the currency they came in and are never converted: a goal counts those of its own currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from babel.numbers import format_currency, format_decimal, get_currency_symbol

from dashboard.stats.goals import goals_in_play
from dashboard.stats.metrics import REVENUE_METRICS
from dashboard.stats.query import MetricWarning, Row, StatsQuery, Value
from warehouse.registry.goals import Goal

NO_GOALS = MetricWarning(
    "no_revenue_goals_matching", "Revenue metrics are null as there are no matching revenue goals."
)
MIXED = MetricWarning(
    "no_single_revenue_currency",
    "Revenue metrics are null as there are multiple currencies for the selected event:goals.",
)
_SCALES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
_LOCALE = "en"
"""The API's texts are one language for everybody; pages write amounts in the reader's."""


@dataclass(frozen=True, slots=True)
class Currencies:
    """
    The currency of each row of an answer: the same for all, or by goal.
    """

    single: str | None = None
    by_goal: Mapping[str, str] = field(default_factory=dict[str, str])
    goal_position: int | None = None
    """Where a row names its goal."""
    warning: MetricWarning | None = None

    def of(self, dimensions: Sequence[str]) -> str | None:
        """
        Tell the currency of a row; None when its revenue is not known.
        """
        return self.single if self.goal_position is None else self.by_goal.get(dimensions[self.goal_position])


def currencies_for(query: StatsQuery, goals: Sequence[Goal]) -> Currencies:
    """
    Find the currency of a question's revenue.
    """
    by_goal = "event:goal" in query.dimensions
    paid = {
        goal.display_name: goal.currency
        for goal in goals_in_play(goals, query.filters, by_goal=by_goal)
        if goal.currency is not None
    }
    if not paid:
        return Currencies(warning=NO_GOALS)
    if by_goal:
        return Currencies(by_goal=paid, goal_position=query.dimensions.index("event:goal"))
    if len(set(paid.values())) > 1:
        return Currencies(warning=MIXED)
    return Currencies(single=next(iter(paid.values())))


def without_unknown(query: StatsQuery, row: Row, currencies: Currencies) -> Row:
    """
    Take the revenue out of a row that has no currency.
    """
    if currencies.of(row.dimensions) is not None:
        return row
    metrics = zip(query.metrics, row.metrics, strict=True)
    return Row(row.dimensions, tuple(None if name in REVENUE_METRICS else value for name, value in metrics))


def money(amount: Value, currency: str | None) -> dict[str, object] | None:
    """
    Write an amount as the stats API does: the number, and short and long texts.

    Returns:
        Such as `{"value": 1500.0, "currency": "EUR", "short": "€1.5K", "long": "€1,500.00"}`; None for no amount.
    """
    if amount is None or currency is None:
        return None
    scale, letter = next((pair for pair in _SCALES if abs(amount) >= pair[0]), (1, ""))
    symbol = get_currency_symbol(currency, locale=_LOCALE)
    gap = "\N{NO-BREAK SPACE}" if symbol[-1:].isalpha() else ""
    digits = format_decimal(abs(amount) / scale, format="#,##0.0", locale=_LOCALE)
    return {
        "value": float(amount),
        "currency": currency,
        "short": f"{'-' if amount < 0 else ''}{symbol}{gap}{digits}{letter}",
        "long": format_currency(amount, currency, format=f"¤{gap}#,##0.00", locale=_LOCALE),
    }
