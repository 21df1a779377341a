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
from ingest.pseudonymize import domain_part
from ingest.record_pieces import page_back, page_front, path_piece
from ingest.remembered import Remembered
from ingest.scrub import is_plain
from ingest.shields import screen_page

ARRIVALS_MAX = 5_000
"""Each of the two generations."""

# Addresses whose path is kept as it stands, so that it has no part in what else is kept. Whatever does not fit is read
# as a whole each time.
_URL = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[A-Za-z0-9/_.-]*)(?:\?([!-\"$-~]*))?\Z")


class PlainPage:
    """
    What a body, or the same fields of a batch, says: the site, the page and where the visit came from.
    """

    __slots__ = ("beacon", "domain", "piece", "site")

    def __init__(self, site: PlainSite, beacon: Beacon, domain: bytes, piece: bytes) -> None:
        self.site, self.beacon, self.domain, self.piece = site, beacon, domain, piece


class _Arrival:
    """
    What pages of one site and host, with the same query and referrer, have in common.
    """

    __slots__ = ("back", "domain", "front", "hostname")

    def __init__(self, hostname: str, domain: bytes, front: bytes, back: bytes) -> None:
        self.hostname, self.domain, self.front, self.back = hostname, domain, front, back


class PlainPages:
    """
    The arrivals one collector knows.
    """

    def __init__(self, spam_hosts: frozenset[str]) -> None:
        self._spam_hosts = spam_hosts
        self._arrivals: Remembered[tuple[int, str, str | None, str], _Arrival] = Remembered(ARRIVALS_MAX)

    def forget(self) -> None:
        """
        Forget every arrival, as when sites or lists of sources change.
        """
        self._arrivals.forget()

    def read(self, site: PlainSite, beacon: Beacon) -> PlainPage | None:
        """
        Work out what a beacon says of its page; None where the long way decides: a drop, a shield, personal data.
        """
        url = _URL.match(beacon.url)
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
            self._arrivals.keep(key, _Arrival(page.hostname, domain, front, back))
        return PlainPage(site, beacon, domain, b"".join((front, path_piece(page.pathname), back)))
