"""
A year of made-up rows of one site, built inside the engine: visits of one to seven events, skewed pages and sources.
"""

from __future__ import annotations

from datetime import date, timedelta

from warehouse.client import Warehouse

EVENTS_PER_VISIT = 4
PAGES, SOURCES, CITIES = 500, 40, 2_000

# One row per visit. `h1`, `h2`, ... are independent random numbers of the visit; a skewed choice is exp(u * ln(n)).
_VISITS = """
SELECT number AS v, sipHash64(v, 1) AS h1, sipHash64(v, 2) AS h2, sipHash64(v, 3) AS h3, sipHash64(v, 4) AS h4,
    toDate({first}) + intDiv(v - {begin}, {visits}) AS day,
    toDateTime(day, 'UTC') + toUInt32(86000 * sqrt((h1 % 1000000) / 1000000)) AS began,
    sipHash64(day, h2 % {people}) AS visitor, sipHash64(visitor, 7) AS hv,
    1 + h3 % 7 AS length,
    toUInt32(exp((h4 % 1000000) / 1000000 * log({pages}))) AS page,
    toUInt32(exp((h1 % 999983) / 999983 * log({sources}))) AS source,
    toUInt32(exp((hv % 999979) / 999979 * log({cities}))) AS place,
    concat('Source ', toString(source)) AS source_name,
    ['Organic Search', 'Direct', 'Referral', 'Organic Social', 'Email'][1 + source % 5] AS channel_name,
    substring('SENODKFIDEFRGBUSNLBEPLITESATCHCZIEPTHUROGRBRINJPCNAUCANZZAMX', 1 + 2 * (place % 30), 2) AS country_code,
    hv % 40 AS agent
FROM numbers({begin}, {count})
"""
_ATTRIBUTES = """
    source_name AS source, channel_name AS channel, concat('ref', toString(source_index), '.example/') AS referrer,
    if(h2 % 20 = 0, concat('campaign ', toString(h2 % 30)), '') AS utm_campaign,
    country_code AS country, concat(country_code, '-', toString(place % 7)) AS region, place + 1000 AS city,
    ['Chrome', 'Safari', 'Firefox', 'Edge', 'Samsung Browser'][1 + agent % 5] AS browser,
    toString(100 + agent) AS browser_version, ['Windows', 'Mac', 'iOS', 'Android', 'GNU/Linux'][1 + agent % 5] AS os,
    toString(10 + agent % 7) AS os_version, ['Desktop', 'Mobile', 'Tablet'][1 + agent % 3] AS device
"""
_ATTRIBUTE_NAMES = (
    "source, channel, referrer, utm_campaign, country, region, city, browser, browser_version, os, os_version, device"
)


def make_rows(warehouse: Warehouse, site_id: int, events: int, first: date, days: int) -> None:
    """
    Fill an empty store with about so many events, spread evenly over the days.
    """
    per_day = events // EVENTS_PER_VISIT // days
    month = 31
    for offset in range(0, days, month):
        count = min(month, days - offset)
        begin = first + timedelta(days=offset)
        values = {
            "first": f"'{begin}'",
            "begin": offset * per_day,
            "count": count * per_day,
            "visits": per_day,
            "people": max(1, per_day * 4 // 5),
            "pages": PAGES,
            "sources": SOURCES,
            "cities": CITIES,
        }
        visits = f"(SELECT *, source AS source_index FROM ({_VISITS.format(**values)}))"
        # Pageviews and engagement by turns; one visit in thirty ends with a custom event.
        warehouse.command(
            "INSERT INTO events (site_id, day, ts, visitor_id, visit_id, seq, name, hostname, pathname, interactive,"
            f" scroll_depth, engagement_ms, received_day, batch, {_ATTRIBUTE_NAMES})"
            f" SELECT {site_id}, day, began + 40 * (place_in - 1), visitor, h1, place_in,"
            " multiIf(place_in % 2 = 0, 'engagement', h4 % 30 = 0 AND place_in = length AND place_in > 1, 'Signup',"
            " 'pageview'),"
            " 'site1.test', concat('/page/', toString(if(place_in < 3, page, 1 + (page * 7 + place_in) % 500))), 1,"
            " if(place_in % 2 = 0, h2 % 100, 255), if(place_in % 2 = 0, 1000 + h3 % 60000, 0), day, 2,"
            f" {_ATTRIBUTES} FROM {visits} AS made ARRAY JOIN range(1, toUInt32(length) + 1) AS place_in"
        )
        views = "toUInt32(intDiv(length + 1, 2)) - (h4 % 30 = 0 AND length > 1 AND length % 2 = 1)"
        warehouse.command(
            "INSERT INTO visits (site_id, day, visitor_id, visit_id, start, end, pageviews, events, interactions,"
            f" entry, exit, received_day, {_ATTRIBUTE_NAMES})"
            f" SELECT {site_id}, day, visitor, h1, began, began + 80 * intDiv(length - 1, 2), {views},"
            " toUInt32(intDiv(length + 1, 2)), h4 % 30 = 0 AND length > 1 AND length % 2 = 1,"
            " (1, 'site1.test', concat('/page/', toString(page))),"
            " (length, 'site1.test', concat('/page/', toString(page))), day,"
            f" {_ATTRIBUTES} FROM {visits} AS made"
        )
