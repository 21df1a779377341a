"""
Beacons for the tests of the short way: ordinary ones, and those that only look like it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
from hypothesis import strategies as st

from ingest.collect import Collector
from ingest.enrich import SiteRules
from ingest.event import Event
from ingest.shields import compile_shields
from tests.ingest.collectors import ADDRESS, CHROME

FIRST_LINE = b"POST /api/event HTTP/1.1"
SITES = (
    SiteRules(id=1, domain="site1.test"),
    SiteRules(id=300, domain="zone.test", timezone="Pacific/Auckland"),
    SiteRules(id=3, domain="pages.test", shields=compile_shields(page=["/secret/*"], hostname=["*.test"])),
    SiteRules(id=4, domain="people.test", shields=compile_shields(ip=["203.0.113.0/24"], country=["SE"])),
)
AGENTS = [
    CHROME, "", "curl/8.0", "Googlebot/2.1", "Daysalt-Verification/1", "é" * 400, "x" * 600,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1",
]  # fmt: skip
URLS = [
    "https://site1.test/a", "https://www.site1.test/", "http://other.co.uk/secret/x", "https://a.github.io/B_c-d.html",
    "https://site1.test/a?utm_source=Newsletter&utm_medium=email&gclid=x", "https://site1.test/?ref=",
    "https://google.test/%C3%A5?msclkid=1", "https://1.2.3.4/x", "file:///etc", "https://SITE1.test/A", "/path",
    # Hosts and queries that come again with other paths: what is remembered of them is joined with the path.
    "https://site1.test/b?utm_source=Newsletter&utm_medium=email&gclid=x", "https://site1.test/?", "https://site1.test",
    "https://other.co.uk/open/" + "x" * 300, "http://other.co.uk/0701234567", "https://site1.test/b.-_/?utm_term=%40 ",
    "https://site1.test/c?utm_term=%40", "https://site1.test/c?utm_content=a@b.se", "https://site1.test/c?a=1#b",
    "https://a.github.io/" + "k9" * 12, "https://other.co.uk/secret/y?ref=x", "https://other.co.uk/y?ref=x",
]  # fmt: skip
REFERRERS = [
    None,
    "",
    "https://www.google.com/search?q=x",
    "https://site1.test/b",
    "https://semalt.com/",
    "android-app://x",
]
FORWARDED = [
    None, "198.51.100.7", "198.51.100.7, 127.0.0.1", "127.0.0.1", "junk", "2001:db8::1", "[2001:db8::2]:80", "",
    "10.1.2.3",
]  # fmt: skip

NAMES = ["site1.test", "zone.test", "pages.test", "people.test", "www.site1.test", "site1.test,zone.test", "no.test"]
EXTRA = [
    (b"sec-gpc", b"1"), (b"dnt", b"0"), (b"x-edge-verdict", b"dc_ip"), (b"forwarded", b"for=192.0.2.1"),
    (b"content-encoding", b"identity"), (b"user-agent", b"second"),
]  # fmt: skip

bodies = st.fixed_dictionaries(
    {
        "n": st.sampled_from(["pageview", "pageview", "pageview", "Signup"]),
        "u": st.sampled_from(URLS),
        "d": st.sampled_from(NAMES),
    },
    optional={"r": st.sampled_from(REFERRERS), "p": st.just({"a": "b"}), "v": st.just(7)},
)


@dataclass(frozen=True)
class Sent:
    """
    One beacon, and how long after the one before it comes.
    """

    body: dict[str, object]
    agent: str
    forwarded: str | None
    peer: str
    extra: list[tuple[bytes, bytes]]
    later_seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        forwarded = [] if self.forwarded is None else [(b"x-forwarded-for", self.forwarded.encode())]
        return [(b"user-agent", self.agent.encode("latin-1")), *forwarded, *self.extra]

    def request(self) -> bytes:
        """
        Write it out as its sender would.
        """
        return request(json.dumps(self.body, separators=(",", ":")).encode(), self.headers())


beacons = st.builds(
    Sent,
    bodies,
    st.sampled_from(AGENTS),
    st.sampled_from(FORWARDED),
    st.sampled_from(["127.0.0.1", "127.0.0.1", ADDRESS, "2001:db8::9", ""]),
    st.lists(st.sampled_from(EXTRA), max_size=1),
    st.sampled_from([0, 0, 0, 1, 60, 1500, 1800, 3600 * 5, 3600 * 11]),
)


def request(body: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """
    Write a beacon's request out.
    """
    lines = [b"%b: %b" % (name.title(), value) for name, value in [*headers, (b"content-length", b"%d" % len(body))]]
    return b"\r\n".join([FIRST_LINE, b"Host: stats.test", *lines, b"", body])


def without_seed(record: bytes) -> Event:
    """
    Read a record, without the one number in it that is random.
    """
    return msgspec.structs.replace(msgspec.msgpack.Decoder(Event).decode(record), visit_seed=1)


def long_way(
    collector: Collector, body: bytes, headers: list[tuple[bytes, bytes]], peer: str
) -> tuple[int, list[Event]]:
    """
    Tell how many headers the answer of the long way has (more when something was dropped), and what it stores.
    """
    answer, records = collector.collect_long(body, headers, peer)
    return len(answer.headers), [without_seed(record) for record in records]
