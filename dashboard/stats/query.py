"""
The shapes of hop 8: a question about one site, and its answer.

A `StatsQuery` is built by the API's parser or by a page; `dashboard.stats.answer.answer` checks and answers it. The
names in it (metrics, dimensions, operators) are the outside's and are looked up in registries, never pasted into SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from dashboard.stats.period import Period

ROWS_MAX = 10_000
"""Most rows of one answer, and the default; from the stats API's documentation."""


class QueryError(Exception):
    """
    The question cannot be answered as asked. The text is for whoever asked: what, which value.
    """


class Viewer(StrEnum):
    """
    Who looks: someone signed in or a key (`MEMBER`), or anybody with a public page or a shared link (`PUBLIC`).
    """

    MEMBER = "member"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Filter:
    """
    One condition: any of `values` fits (`is`, `contains`, `matches`) or none does (`..._not`).
    """

    operator: str
    dimension: str
    values: tuple[str, ...]
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """
    Conditions together: `and`, `or`, or `not` (exactly one inside).
    """

    operator: str
    filters: tuple[FilterTree, ...]


@dataclass(frozen=True, slots=True)
class VisitFilter:
    """
    `has_done` / `has_not_done`: the visit holds an event, or no event, that fits.
    """

    operator: str
    filter: FilterTree


FilterTree = Filter | FilterGroup | VisitFilter


@dataclass(frozen=True, slots=True)
class Order:
    """
    Sort by a metric or dimension of the query.
    """

    by: str
    descending: bool


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """
    A question.

    Attributes:
        metrics: names as in `dashboard.stats.metrics.METRICS`, in the order of the answer's columns.
        date_range: `day`, `24h`, `7d`, `28d`, `30d`, `91d`, `month`, `6mo`, `12mo`, `year`, `all`, `realtime` (any `Nd`
            and `Nmo`), a pair of ISO dates or datetimes, or a `Period` such as `result.period.previous()`.
        date: the day that a named range looks back from (`YYYY-MM-DD`); today when None.
        dimensions: names as in `dashboard.stats.dimensions`, for example `visit:source`, `event:page`, `time:day`.
        filters: all must fit.
        order: empty for the default: time first, then the first metric from high to low.
        limit, offset: rows.
        time_labels, total_rows: put these into the answer too.
        imports: add daily totals taken over from another service, where the question allows it.
        whole_calendar: `month` and `year` go to their last day, not to today.
        only: the labels that the asker looks up, of one dimension. The others are left out where they tell nothing of
            these, which is without filters and folding.
    """

    metrics: tuple[str, ...]
    date_range: str | tuple[str, str] | Period = "28d"
    date: str | None = None
    dimensions: tuple[str, ...] = ()
    filters: tuple[FilterTree, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int = ROWS_MAX
    offset: int = 0
    time_labels: bool = False
    total_rows: bool = False
    imports: bool = False
    whole_calendar: bool = False
    only: tuple[str, ...] = ()

    def over(self, period: Period) -> StatsQuery:
        """
        Ask the same about another period.
        """
        return replace(self, date_range=period)


Value = int | float | None


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of an answer: what it is about, and the metrics in the query's order. None: no value, or withheld.
    """

    dimensions: tuple[str, ...]
    metrics: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class MetricWarning:
    """
    Why a metric is null.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportsMeta:
    """
    Whether daily totals from elsewhere are in an answer.

    Attributes:
        skipped: why not, if they were asked for; the stats API's names.
        warning: the same as a sentence, where the question could be put otherwise.
    """

    included: bool = False
    skipped: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class StatsResult:
    """
    An answer.

    Attributes:
        query: the question as it was answered; `period` is its range resolved in the site's time zone.
        rows: in the asked order; without dimensions exactly one; empty time buckets are left out.
        metric_warnings: by metric; code `small_cell` when a number was withheld.
        time_labels: every bucket of the time dimension in order, if asked for.
        total_rows: how many rows there are without limit and offset, if asked for.
        currencies: of each row's revenue; empty when none was asked for.
        imports: what became of totals from elsewhere, if they were asked for.
    """

    query: StatsQuery
    period: Period
    rows: tuple[Row, ...]
    metric_warnings: dict[str, MetricWarning] = field(default_factory=dict[str, MetricWarning])
    time_labels: tuple[str, ...] | None = None
    total_rows: int | None = None
    currencies: tuple[str | None, ...] = ()
    imports: ImportsMeta = ImportsMeta()

    def totals(self) -> dict[str, Value]:
        """
        The metrics of an answer without dimensions, by name.
        """
        assert not self.query.dimensions and len(self.rows) == 1
        return dict(zip(self.query.metrics, self.rows[0].metrics, strict=True))
