"""
One request for a site's dashboard, understood, and the questions that every part of it asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from babel.core import Locale
from starlette.requests import Request

from dashboard.context import Context
from dashboard.pages.door import Door
from dashboard.pages.headline import ask_totals
from dashboard.pages.languages import locale_of
from dashboard.pages.reader import Reader
from dashboard.pages.rendering import link
from dashboard.pages.rows import ROWS_SHOWN, Rows, panel_rows
from dashboard.pages.view import METRICS, View
from dashboard.stats.period import Period
from dashboard.stats.query import StatsQuery, Value, Viewer
from warehouse.registry.sites import Site


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request for a site's page, understood.
    """

    context: Context
    request: Request
    reader: Reader
    site: Site
    door: Door
    view: View
    period: Period
    compare: Period | None
    today: date
    first: date
    """The site's first day."""

    @property
    def viewer(self) -> Viewer:
        return self.door.viewer

    @property
    def locale(self) -> Locale:
        return locale_of(self.reader.language)

    @property
    def whole_compare(self) -> Period | None:
        """
        The period to compare with, if all of it was measured: against a part every number would have grown out of all
        proportion.
        """
        return self.compare if self.compare and self.compare.first >= self.first else None

    @property
    def query(self) -> StatsQuery:
        return StatsQuery(METRICS, self.period, filters=self.view.conditions(), imports=self.view.imports)

    def address_of(self, view: View) -> str:
        """
        Write the address of another view through the same door.
        """
        return link(self.context.settings, self.door.address, [*view.parameters(), *self.door.carried])


def asked_rows(asked: Asked, key: str, visitors: Value, *, limit: int = ROWS_SHOWN, offset: int = 0) -> Rows:
    """
    Answer the open tab of a panel.
    """
    return panel_rows(
        asked.context, asked.site, asked.view, asked.period, visitors, asked.viewer, asked.locale, key,
        compare=asked.compare, changes=asked.whole_compare if asked.view.compares_rows else None,
        limit=limit, offset=offset,
    )  # fmt: skip


def asked_visitors(asked: Asked) -> Value:
    """
    Count the visitors of the whole view; None when withheld.
    """
    query = replace(asked.query, metrics=("visitors",))
    return ask_totals(asked.context, asked.site, query, asked.viewer)[1]["visitors"]
