"""
What plain pageviews say of their page, for the short way of `ingest/plain_pageviews.py`.

Pages are many and arrivals few: all that is kept of an address but its path, and all of a referrer, comes again with
other paths of the same site. It is worked out once by the long way's own functions, and joined with each new path.

Addresses of pages are personal as sent: in memory only, bounded, never printed or written.
"""

from __future__ import annotations

import re

from ingest.decode import Beacon, WireError
from ingest.enrich import arrival, is_spam_referrer
from ingest.page import read_page
from ingest.plain_parts import NOBODY, PlainSite
from ingest.plain_pieces import Arrival, PlainPage
from ingest.pseudonymize import domain_part
from ingest.record_pieces import page_back, page_front, path_piece
from ingest.remembered import Remembered
from ingest.scrub import is_plain
from ingest.shields import screen_page

ARRIVALS_MAX = 5_000
"""Each of the two generations."""

KEPT_URL = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[A-Za-z0-9/_.-]*)(?:\?([!-\"$-~]*))?\Z")
"""
Addresses whose path is kept as it stands, so that it has no part in what else is kept. Whatever does not fit is read
as a whole each time.
"""


class PlainPages:
    """
    The arrivals one collector knows.
    """

    def __init__(self, spam_hosts: frozenset[str]) -> None:
        self._spam_hosts = spam_hosts
        self._arrivals: Remembered[tuple[int, str, str | None, str], Arrival] = Remembered(ARRIVALS_MAX)

    def forget(self) -> None:
        """
        Forget every arrival, as when sites or lists of sources change.
        """
        self._arrivals.forget()

    def read(self, site: PlainSite, beacon: Beacon) -> PlainPage | None:
        """
        Work out what a beacon says of its page; None where the long way decides: a drop, a shield, personal data.
        """
        url = KEPT_URL.match(beacon.url)
        if url is None:
            return self._read_whole(site, beacon, None)
        host, path, query = url.groups()
        key = (site.rules.id, host, query, beacon.referrer)
        known = self._arrivals.young.get(key) or self._arrivals.find(key)
        if known is None:
            return self._read_whole(site, beacon, key)
        shields = site.rules.shields
        if shields.pages and screen_page(shields, known.hostname, path, NOBODY):
            return None
        if not is_plain(path):
            return self._read_whole(site, beacon, None)
        return PlainPage(site, beacon, known.domain, b"".join((known.front, path_piece(path), known.back)))

    def arrival(self, site: PlainSite, beacon: Beacon) -> Arrival | None:
        """
        Work out what all pages have in common that differ from a beacon's in nothing but a plain path; None where the
        long way decides about each.
        """
        url = KEPT_URL.match(beacon.url)
        if url is None or site.rules.shields.pages:
            return None
        host, _, query = url.groups()
        key = (site.rules.id, host, query, beacon.referrer)
        known = self._arrivals.find(key)
        if known is None and self._read_whole(site, beacon, key) is not None:
            known = self._arrivals.find(key)
        return known

    def _read_whole(
        self, site: PlainSite, beacon: Beacon, key: tuple[int, str, str | None, str] | None
    ) -> PlainPage | None:
        """
        Do likewise by the functions of the long way; with a key, remember the arrival.
        """
        try:
            page = read_page(beacon.url, beacon.hash_mode)
        except WireError:
            return None
        if is_spam_referrer(beacon.referrer, self._spam_hosts) or screen_page(
            site.rules.shields, page.hostname, page.pathname, NOBODY
        ):
            return None
        page, origin = arrival(page, beacon.referrer)
        if page.scrubbed or origin.scrubbed:
            return None  # counted there
        front, back, domain = page_front(page), page_back(page, origin), domain_part(page.registrable_domain)
        if key is not None:
            self._arrivals.keep(key, Arrival(site, page.hostname, domain, front, back))
        return PlainPage(site, beacon, domain, b"".join((front, path_piece(page.pathname), back)))
