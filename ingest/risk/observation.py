"""
An observation: what of one hit goes into the risk windows, packed into 56 bytes for the way to their one owner.

It holds a risk id and a network id, which are keyed hashes of today, and no address, user agent or page: page and
user agent are 32-bit checksums, good for telling apart within an address and for nothing else.
"""

from __future__ import annotations

from struct import Struct

PAGEVIEW_KIND, ENGAGEMENT_KIND, CONVERSION_KIND, PURCHASE_KIND, OTHER_KIND = range(5)


class Mark:
    """
    What was noticed about one hit: one bit each.
    """

    # Plain numbers: an operation on an IntFlag takes a microsecond, and there are several for each hit.
    PIXEL = 1
    """Came without script: nobody may expect a reading time of it."""
    BATCH = 2
    """Told by the site's own server: time and headers are the server's."""
    LOOKED = 4
    """Its headers were looked at; under load only a sample is."""
    HEADERS_IMPOSSIBLE = 8
    ORIGIN_WRONG = 16
    DECLARED_BOT = 32
    LIBRARY = 64
    EMPTY_AGENT = 128
    ANCIENT_AGENT = 256
    HEADLESS = 512
    SPAM_REFERRER = 1024


RECORD = Struct("<16sQqIBxHIIII")
"""Risk id, network id, epoch milliseconds, site, kind, marks, checksums of page, agent and reading, engaged ms."""
