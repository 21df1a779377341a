"""
A year of made-up rows of one big site, built inside the engine from numbers: nothing passes through Python.

The same seed and sizes give the same rows. What is skewed (pages, sources, cities, campaigns) follows `exp(u * ln n)`:
the first few names have most of it, and the tail is as long as the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from warehouse.client import Warehouse

EVENTS_PER_VISIT = 4
PAGES, SOURCES, CITIES, CAMPAIGNS, TERMS = 20_000, 2_000, 5_000, 300, 1_000
WEEK = (1.1, 1.15, 1.15, 1.1, 1.0, 0.7, 0.8)
"""How busy the days of a week are, Monday first."""
STRETCH_DAYS = 7
"""Days of one statement: a week of the largest year is sorted in memory at once."""
MEMORY_BYTES_MAX = 6 * 1024**3
SEED = 20261122

# One row per visit. `h1`, `h2`, ... are independent random numbers of the visit; a skewed choice is exp(u * ln(n)).
_VISITS = """
SELECT number AS v, {hashes},
    arrayFirstIndex(end -> v < end, {ends}) - 1 AS offset, toDate('{first}') + offset AS day,
    toDateTime(day, 'UTC') + toUInt32(86300 * sqrt((h1 % 1000000) / 1000000)) AS began,
    sipHash64(day, h2 % {people}, {seed}) AS visitor, sipHash64(visitor, 7) AS hv,
    1 + h3 % 7 AS length, toUInt8(h8 % 2) AS host,
    {skewed_page} AS page, {skewed_source} AS source_index, {skewed_city} AS place,
    toUInt32(exp((h9 % 999961) / 999961 * log({campaigns}))) AS campaign, h9 % 12 = 0 AS campaigned,
    h10 % 30 = 0 AND length > 1 AND length % 2 = 1 AS converts,
    substring('SENODKFIDEFRGBUSNLBEPLITESATCHCZIEPTHUROGRBRINJPCNAUCANZZAMX', 1 + 2 * (place % 30), 2) AS country_code,
    toUInt32(exp((sipHash64(visitor, 8) % 999953) / 999953 * log(60))) AS agent
FROM numbers({begin}, {count})
"""
_ATTRIBUTES = """
    if(source_index < 3, '', concat('Source ', toString(source_index))) AS source,
    ['Organic Search', 'Direct', 'Referral', 'Organic Social', 'Email', 'Paid Search'][1 + source_index % 6] AS channel,
    if(source_index < 3, '', concat('ref', toString(source_index), '.example/p', toString(h5 % 3))) AS referrer,
    if(campaigned, concat('source', toString(campaign % 20)), '') AS utm_source,
    if(campaigned, ['cpc', 'email', 'social'][1 + campaign % 3], '') AS utm_medium,
    if(campaigned, concat('campaign ', toString(campaign)), '') AS utm_campaign,
    if(campaigned, concat('variant ', toString(h9 % 4)), '') AS utm_content,
    if(campaigned AND campaign % 3 = 0, concat('term ', toString(h9 % {terms})), '') AS utm_term,
    country_code AS country, concat(country_code, '-', toString(place % 7)) AS region, place + 1000 AS city,
    ['Chrome', 'Safari', 'Firefox', 'Edge', 'Samsung Browser'][1 + agent % 5] AS browser,
    toString(100 + agent) AS browser_version, ['Windows', 'Mac', 'iOS', 'Android', 'GNU/Linux'][1 + agent % 5] AS os,
    toString(10 + agent % 9) AS os_version, ['Desktop', 'Mobile', 'Tablet'][1 + agent % 3] AS device
"""
_ATTRIBUTE_NAMES = (
    "source, channel, referrer, utm_source, utm_medium, utm_campaign, utm_content, utm_term, country, region, city,"
    " browser, browser_version, os, os_version, device"
)
_HOSTS = "['site1.test', 'shop.site1.test'][1 + host]"
# Pageviews and engagement by turns; about one visit in sixty ends with a custom event. Each page follows the first.
_EVENTS = f"""
INSERT INTO events (site_id, day, ts, visitor_id, visit_id, seq, name, hostname, pathname, interactive, scroll_depth,
    engagement_ms, props, received_day, batch, {_ATTRIBUTE_NAMES})
SELECT {{site}}, day, began + 40 * (step - 1), visitor, h4, step,
    multiIf(step % 2 = 0, 'engagement', converts AND step = length, 'Signup', 'pageview') AS named,
    {_HOSTS}, concat('/page/', toString(if(step < 3, page, 1 + (page * 7 + intDiv(step - 1, 2) * 3) % {PAGES}))), 1,
    if(step % 2 = 0, h2 % 100, 255), if(step % 2 = 0, 1000 + h3 % 60000, 0),
    if(named = 'Signup', map('plan', ['free', 'team', 'firm'][1 + h10 % 3]), map()), day, 2,
    {_ATTRIBUTES} FROM ({{visits}}) AS made ARRAY JOIN range(1, toUInt32(length) + 1) AS step
"""
_VISIT_ROWS = f"""
INSERT INTO visits (site_id, day, visitor_id, visit_id, start, end, pageviews, events, interactions, entry, exit,
    received_day, {_ATTRIBUTE_NAMES})
SELECT {{site}}, day, visitor, h4, began, began + 80 * intDiv(length - 1, 2),
    toUInt32(intDiv(length + 1, 2)) - converts,
    toUInt32(intDiv(length + 1, 2)), converts, (1, {_HOSTS}, concat('/page/', toString(page))),
    (length, {_HOSTS}, concat('/page/', toString(
        if(length < 3, page, 1 + (page * 7 + intDiv(length - 1, 2) * 3) % {PAGES})))), day,
    {_ATTRIBUTES} FROM ({{visits}}) AS made
"""


@dataclass(frozen=True, slots=True)
class Made:
    """
    How far the building is: events so far (as planned), of how many.
    """

    done: int
    total: int


def make_rows(
    warehouse: Warehouse, site_id: int, events: int, first: date, days: int, seed: int = SEED
) -> Iterator[Made]:
    """
    Fill an empty store with about so many events and their visits, a week at a time.
    """
    weights = [WEEK[(first + timedelta(days=offset)).weekday()] for offset in range(days)]
    visits = [round(events / EVENTS_PER_VISIT * weight / sum(weights)) for weight in weights]
    done = 0
    for offset in range(0, days, STRETCH_DAYS):
        here = visits[offset : offset + STRETCH_DAYS]
        ends = [done + sum(here[: number + 1]) for number in range(len(here))]
        made = _VISITS.format(
            hashes=", ".join(f"sipHash64(v, {number}, {seed}) AS h{number}" for number in range(1, 11)),
            ends=ends,
            first=first + timedelta(days=offset),
            people=max(1, here[0] * 4 // 5),
            seed=seed,
            skewed_page=_skewed("h5", PAGES),
            skewed_source=_skewed("h6", SOURCES),
            skewed_city=_skewed("hv", CITIES),
            campaigns=CAMPAIGNS,
            begin=done,
            count=sum(here),
        )
        for statement in (_EVENTS, _VISIT_ROWS):
            text = statement.format(site=site_id, visits=made, terms=TERMS)
            warehouse.command(f"{text} SETTINGS max_memory_usage = {MEMORY_BYTES_MAX}")
        done += sum(here)
        yield Made(done * EVENTS_PER_VISIT, sum(visits) * EVENTS_PER_VISIT)


def _skewed(hashed: str, names: int) -> str:
    return f"toUInt32(exp(({hashed} % 999983) / 999983 * log({names})))"
