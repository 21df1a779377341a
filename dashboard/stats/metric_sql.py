"""
How each metric is formed from the sums of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping

METRIC_SQL: Mapping[str, str] = {
    "visitors": "sum(visitors)",
    "visits": "sum(visits)",
    "pageviews": "sum(pageviews)",
    "events": "sum(events)",
    "views_per_visit": "if(sum(ended) = 0, 0, round(sum(visit_pageviews) / sum(ended), 2))",
    # Whole percent; 100 only where every visit bounced, 0 only where none did: 99.6 is 99.
    "bounce_rate": "if(sum(entered) = 0 OR sum(bounced) IN (0, sum(entered)), toInt64(sum(bounced) > 0) * 100,"
    " least(99, greatest(1, toInt64(round(100 * sum(bounced) / sum(entered))))))",
    "visit_duration": "if(sum(ended) = 0, NULL, toInt64(round(sum(seconds) / sum(ended))))",
    "total_revenue": "round(sum(revenue), 3)",
    "average_revenue": "if(sum(paid) = 0, 0, round(sum(revenue) / sum(paid), 3))",
    "scroll_depth": "if(sum(depth_visits) = 0, NULL, toInt64(round(sum(depths) / sum(depth_visits))))",
    "time_on_page": "if(sum(engaged_visits) = 0, NULL, toInt64(round(sum(engaged_ms) / 1000 / sum(engaged_visits))))",
}
"""Expressions over columns of `dashboard.stats.parts.PARTS`; shares of visitors need a question of their own."""
