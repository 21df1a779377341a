"""
The glossary: how each number is counted, in words for the people who read it, and the keys that move about.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dashboard.context import Context
from dashboard.pages.panels import mark
from dashboard.pages.reader import reader_of
from dashboard.pages.rendering import page

TERMS: tuple[tuple[str, str, str], ...] = (
    (
        "visitors",
        mark("Visitors"),
        mark(
            "Different visitors of a day. Whoever comes back the next day is a new visitor, because what a visitor is"
            " known by is destroyed with the day. Over several days, visitors are the sum of the days."
        ),
    ),
    (
        "visits",
        mark("Visits"),
        mark("A visit begins with the first event and ends when nothing has happened for 30 minutes."),
    ),
    ("pageviews", mark("Pageviews"), mark("How often pages were opened, by whomever.")),
    ("views_per_visit", mark("Views per visit"), mark("Pageviews within visits, divided by the visits.")),
    (
        "bounce_rate",
        mark("Bounce rate"),
        mark(
            "The share of visits with a single pageview and nothing else done. In whole percent; 100 and 0 mean all and"
            " none, so 99.6 is shown as 99."
        ),
    ),
    (
        "exit_rate",
        mark("Exit rate"),
        mark("Of a page's views, the share after which the visit ended there."),
    ),
    (
        "visit_duration",
        mark("Visit duration"),
        mark("The mean time from the first to the last event of a visit."),
    ),
    (
        "scroll_depth",
        mark("Scroll depth"),
        mark("How far down a page was scrolled, the mean of its visits. Known where the tracking script is."),
    ),
    (
        "time_on_page",
        mark("Time on page"),
        mark("How long a page was in view and the window in use, the mean of the visits that saw it."),
    ),
    (
        "events",
        mark("Events, times"),
        mark("How often an event happened or a goal was reached, more than once by the same visitor too."),
    ),
    (
        "conversion_rate",
        mark("Conversion rate"),
        mark("The share of visitors who reached the goal, of all visitors whom the other filters leave."),
    ),
    (
        "total_revenue",
        mark("Revenue"),
        mark(
            "The sum of the amounts sent with a goal, in the currency of the goal. Other currencies are not converted."
        ),
    ),
    (
        "average_revenue",
        mark("Average revenue"),
        mark("The revenue of a goal, divided by the events that carried any."),
    ),
    (
        "funnels",
        mark("Funnels"),
        mark("Visitors who reached one goal after the other, in this order and within one visit."),
    ),
    (
        "journeys",
        mark("Journeys"),
        mark(
            "What people did right before and right after a page within their visit: another page, an event, or the"
            " beginning or end of the visit. Opening the same page again at once is no step."
        ),
    ),
    (
        "other",
        mark("(other)"),
        mark(
            "Rows with too few visitors are put together, and numbers about too few are withheld (–), so that"
            " nobody can be picked out. How many are too few is a setting of each site."
        ),
    ),
    (
        "signals",
        mark("Do Not Track and Global Privacy Control"),
        mark(
            "Whoever sends one of these signals is counted in pageviews and events, but is nobody's visit and no"
            " visitor."
        ),
    ),
)
KEYS: tuple[tuple[str, str], ...] = (
    ("D", mark("Today")),
    ("E", mark("Yesterday")),
    ("R", mark("Last 30 minutes")),
    ("W", mark("Last 7 days")),
    ("T", mark("Last 28 days")),
    ("M", mark("This month")),
    ("Y", mark("This year")),
    ("A", mark("All time")),
    ("F", mark("Add filter")),
    ("G", mark("Metric")),
    ("N", mark("Add note")),
    ("C", mark("Compare")),
    ("Esc", mark("Close a menu")),
    ("?", mark("Glossary")),
)


def glossary_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /glossary`, for everybody.
    """
    return page(context, request, reader_of(context, request), "glossary.html", terms=TERMS, keys=KEYS)
