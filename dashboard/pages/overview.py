"""
The top of a dashboard: headline numbers and graph, or the sentence that stands in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.pages.asked import Asked
from dashboard.pages.graph import Graph, graph
from dashboard.pages.headline import Number, headline
from dashboard.pages.metric_choice import MetricChoice
from dashboard.stats.query import QueryError, Value
from warehouse.client import QueryTimeout, WarehouseUnavailable
from warehouse.registry.annotations import Annotation


@dataclass(frozen=True, slots=True)
class Overview:
    """
    What was found.

    Attributes:
        problem: `timeout`, `away` (the store), `filters` (some metric does not go with them), or empty.
    """

    totals: tuple[Number, ...] = ()
    graph: Graph | None = None
    problem: str = ""

    @property
    def is_withheld(self) -> bool:
        return any(number.is_withheld for number in self.totals)

    @property
    def visitors(self) -> Value:
        """
        What the shares of panels are measured against; None when withheld or not known.
        """
        return self.totals[0].value if self.totals else None


def ask_overview(asked: Asked, choice: MetricChoice, notes: Sequence[Annotation]) -> Overview:
    """
    Answer the top of a dashboard; what goes wrong becomes a sentence, for the page has begun already.

    Args:
        notes: of the days shown.
    """
    totals: tuple[Number, ...] = ()
    before = asked.whole_compare
    try:
        totals = tuple(headline(asked.context, asked.site, asked.query, choice, before, asked.viewer, asked.locale))
        drawn = graph(
            asked.context, asked.site, asked.view, asked.period, asked.compare, asked.viewer, asked.locale,
            currency=choice.currency, annotations=notes,
        )  # fmt: skip
        return Overview(totals, drawn)
    except QueryTimeout:
        return Overview(totals, None, "timeout")
    except WarehouseUnavailable:
        return Overview(totals, None, "away")
    except QueryError:
        return Overview(totals, None, "filters")
