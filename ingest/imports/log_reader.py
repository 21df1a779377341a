"""
Which requests of an access log are pageviews, and the events they become. Bots, assets and whatever else is no page
are left out and counted.

Address and user agent of a line become a visitor id under the import's own key. Those of the last `VISITORS_MAX`
visitors are remembered, in memory, until the file is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from ingest.bots import USER_AGENT_LENGTH_MAX, is_bot
from ingest.decode import URL_BYTES_MAX, WireError
from ingest.enrich import EnrichTools, SiteRules, screen_and_enrich
from ingest.event import PAGEVIEW, UNKNOWN_SCROLL_DEPTH, Event
from ingest.hit import Dropped, Hit
from ingest.imports.access_log import NoLogLine, Request, parse_log_line
from ingest.imports.line import AHEAD_MS_MAX, EARLIEST_MS, ImportTarget, LineError
from ingest.imports.local_days import LocalDays
from ingest.imports.visitors import ImportedVisitors
from ingest.page import registrable_domain
from ingest.place import PlaceReader
from ingest.pseudonymize import Visitor, visitor_message
from ingest.remembered import Remembered
from ingest.safe_event import VisitSeeds, safe_event
from ingest.url import without_www

ASSET, BOT, NO_PAGE, OTHER_SITE = "asset", "bot", "no page", "another site"
"""Why a line is left out. `no page`: not a GET, or not answered with a page."""
VISITORS_MAX = 20_000
"""Visitors whose address was read and put into its form already: some 10 MB."""
PAGE_STATUSES = frozenset({200, 203, 304})
ASSET_ENDINGS = frozenset({
    "7z", "ai", "atom", "avi", "avif", "bin", "bmp", "bz2", "cjs", "css", "csv", "deb", "dmg", "doc", "docx", "eot",
    "eps", "exe", "flac", "gif", "gz", "ico", "ics", "iso", "jar", "jpeg", "jpg", "js", "json", "jsonld", "less",
    "m3u8", "m4a", "m4v", "map", "mjs", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "msi", "odt", "ogg", "ogv", "opus",
    "otf", "pdf", "pkg", "png", "ppt", "pptx", "ps", "psd", "rar", "rpm", "rss", "rtf", "scss", "svg", "svgz", "swf",
    "tar", "tgz", "tif", "tiff", "ts", "ttf", "txt", "vtt", "wasm", "wav", "webm", "webmanifest", "webp", "wmv",
    "woff", "woff2", "xls", "xlsx", "xml", "xsl", "xz", "zip", "zst",
})  # fmt: skip

_NOBODY = IPv4Address(0)
Address = IPv4Address | IPv6Address


class LogReader:
    """
    Reads the lines of one access log.
    """

    def __init__(self, target: ImportTarget, visitors: ImportedVisitors, seeds: VisitSeeds, place: PlaceReader) -> None:
        self._target = target
        self._visitors = visitors
        self._seeds = seeds
        self._days = LocalDays(target.site.days)
        self._rules = SiteRules(target.site.id, target.site.domain, target.site.timezone)
        self._tools = EnrichTools(place=place)
        self._host = without_www(target.site.domain.partition("/")[0])
        self._known: Remembered[tuple[str, str, str], tuple[Address, bytes]] = Remembered(VISITORS_MAX)
        self.left_out: Counter[str] = Counter()

    def restart(self) -> None:
        """
        Count anew what is left out.
        """
        self.left_out.clear()

    def read(self, raw: bytes) -> Event | None:
        """
        Read one line.

        Raises:
            LineError: it is no line of an access log; say so at its number.
        """
        if raw.startswith(b"#"):
            return None
        try:
            request = parse_log_line(raw)
            reason = self._reason(request)
            if reason:
                self.left_out[reason] += 1
                return None
            return self._event(request)
        except NoLogLine as error:
            raise LineError(str(error)) from None
        except WireError as error:
            raise LineError(f"{error.field}: {error.reason}") from None

    def _reason(self, request: Request) -> str:
        if request.method != "GET" or request.status not in PAGE_STATUSES:
            return NO_PAGE
        path = request.target.partition("?")[0]
        name, point, ending = path.rpartition(".")
        if point and name and ending.lower() in ASSET_ENDINGS:
            return ASSET
        # What a server asks of itself, such as a proxied absolute address, is no page of the site.
        if not path.startswith("/"):
            return NO_PAGE
        if is_bot(request.user_agent[:USER_AGENT_LENGTH_MAX]):
            return BOT
        host = _plain_host(request.host)
        if host and host != self._host and not host.endswith("." + self._host):
            return OTHER_SITE
        return ""

    def _event(self, request: Request) -> Event | None:
        at_ms = request.at * 1000
        if at_ms < EARLIEST_MS:
            raise LineError("the time lies before 1970-01-03")
        if at_ms > self._target.now_ms + AHEAD_MS_MAX:
            raise LineError("the time lies in the future")
        host = _plain_host(request.host) or self._host
        url = f"https://{host}{request.target}"
        if len(url.encode("utf-8", "replace")) > URL_BYTES_MAX:
            raise LineError(f"the address is longer than {URL_BYTES_MAX} bytes")
        address, label = self._visitor(request, registrable_domain(host))
        hit = Hit(
            name=PAGEVIEW,
            url=url.replace("\x00", ""),
            domains=(self._target.site.domain,),
            referrer=request.referrer[:URL_BYTES_MAX].replace("\x00", ""),
            props=_NO_PROPS,
            hash_mode=False,
            revenue=None,
            interactive=True,
            scroll_depth=UNKNOWN_SCROLL_DEPTH,
            engagement_ms=0,
            received_ms=min(at_ms, self._target.now_ms),
            address=address,
            user_agent=request.user_agent,
            ip_type="",
            signal=False,
        )
        enriched = screen_and_enrich(hit, self._rules, self._tools)
        if isinstance(enriched, Dropped):
            self.left_out[enriched.reason.value] += 1
            return None
        day = self._days.day_of(hit.received_ms // 1000)
        visitor = Visitor(self._visitors.of_label(day, label), day)
        return safe_event(enriched, self._target.site.id, visitor, self._seeds.next(), self._target.received_day, b"")

    def _visitor(self, request: Request, domain: str) -> tuple[Address, bytes]:
        """
        Give the address of a line, and what its visitor id is a hash of.
        """
        key = (request.address, request.user_agent, domain)
        known = self._known.find(key)
        if known is None:
            address = _address(request.address)
            # A server that looks names up writes a name in the place of the address: as good to tell visitors apart.
            label = (
                visitor_message(self._target.site.id, address, request.user_agent, domain)
                if address is not None
                else f"{request.address}\n{request.user_agent}".encode("utf-8", "replace")
            )
            known = (address or _NOBODY, label)
            self._known.keep(key, known)
        return known


_NO_PROPS: Mapping[str, str] = {}


def _plain_host(host: str) -> str:
    return without_www(host.partition(":")[0].lower())


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        # Caddy wrote "address:port" before it had remote_ip.
        return ip_address(text.rpartition(":")[0] if text.count(":") == 1 else text.strip("[]"))
    except ValueError:
        return None
