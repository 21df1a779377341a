"""
Hop 3, scrub: what is personal is replaced wherever it stands, and ordinary texts stay as they are.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.collect import Collector
from ingest.event import Event
from ingest.page import read_page
from ingest.personal import PLACEHOLDERS, Kind, luhn, replace_personal
from ingest.scrub import Scrubbed, as_read, scrub, scrub_values
from tests.clocks import FakeClock
from tests.ingest.collectors import drops_of, events_of, make_collector, send

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jk7Gr7n4Zg"
UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/users/anna@example.com/x", "/users/[email]/x"),
        ("anna.b+news@mail.example.co.uk", "[email]"),
        ("mailto:åke.ö@exämple.se", "mailto:[email]"),
        ("/?mail=anna%40example.com", "/?mail=[email]"),
        ("/u/anna%2540example.com", "/u/[email]"),
        ("/u/anna\uff20example.com", "/u/[email]"),
        ("/u/an\u200bna@exam\u200bple.com", "/u/[email]"),
        ("/p/8112189876", "/p/[personal-number]"),
        ("/p/811218-9876", "/p/[personal-number]"),
        ("/p/19811218-9876/x", "/p/[personal-number]/x"),
        ("/p/198112189876", "/p/[personal-number]"),
        ("/p/811278-9873", "/p/[personal-number]"),
        ("/p/\uff18\uff11\uff11\uff12\uff11\uff18\uff19\uff18\uff17\uff16", "/p/[personal-number]"),
        ("/pay/4111111111111111", "/pay/[card]"),
        ("4111 1111 1111 1111", "[card]"),
        ("5555-5555-5555-4444", "[card]"),
        ("/pay/2024-4111-1111-1111-1111", "/pay/2024-[card]"),
        ("/pay/378282246310005", "/pay/[card]"),
        ("call +46 70 123 45 67 now", "call [phone] now"),
        ("/tel/+46701234567", "/tel/[phone]"),
        ("/tel/46701234567", "/tel/[phone]"),
        ("/tel/0701234567", "/tel/[phone]"),
        ("070-123 45 67", "[phone]"),
        ("08-123 456 78", "[phone]"),
        ("0046701234567", "[phone]"),
        ("+1 (555) 123-4567", "[phone]"),
        ("tel:112233", "[phone]"),
        ("/ip/203.0.113.77", "/ip/[ip]"),
        ("/ip/2001:db8:aaaa:bbbb::1234", "/ip/[ip]"),
        (f"/reset/{JWT}", "/reset/[token]"),
        ("/k/ghp_16C7e42F292c6912E7710c838347Ae178B4a", "/k/[token]"),
        ("/c/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/c/[token]"),
        ("/m/YW5uYUBleGFtcGxlLmNvbQ", "/m/[token]"),
        (f"/u/{UUID}/edit", "/u/[id]/edit"),
        ("/status/1590123456789012345", "/status/[id]"),
    ],
)
def test_personal_data_is_replaced(text: str, expected: str) -> None:
    """
    Every kind has a placeholder that says what stood there, however it was wrapped.
    """
    assert expected == scrub(text).text


@pytest.mark.parametrize(
    "text",
    [
        "/", "/product/12345", "/product/1234567890", "/order/20261122123456", "/2026/11/22/a-story-from-2026",
        "/isbn/978-3-16-148410-0", "/isbn/9783161484100", "/isbn/0306406152", "/ean/4006381333931", "/p/811218-9875",
        "/v/1.2.3.4", "/v/126.0.6478.61", "v1.0+20130313144700", "/npm/vue@3.4.21/dist/vue.js", "/img/logo@2x.png",
        "/@anna/post-1", "/d/2024-01-02T10:20:30+01:00", "/time/10:20:30", "/std::vector", "/B08N5WRWNW",
        "/t/01-02-2024", "/kampanj/sommar-2024-med-upp-till-50-procent-rabatt", "/iPhone15ProMax256GBBlackTitanium",
        "/how-to-build-2024-REST-APIs-with-Python3-and-FastAPI", "/SKU-AB12-CD34-EF56-GH78-99", "0.1234567890123456",
        "Outbound Link: Click", "/100%25-bomull", "/caf\u00e9", "/x/\u062c\u0648\u0627\u0626\u0632", "556016-0680",
        "1795347000", "1795347000123", "/a" * 300, "/konto/5501-0123456", "100 000 000 kr", "/main.3f2a9c1b.js",
    ],
)  # fmt: skip
def test_ordinary_texts_stay(text: str) -> None:
    """
    Ids, dates, versions, ISBNs, article numbers and slugs are not touched, to the letter.
    """
    assert Scrubbed(text) == scrub(text)


def test_most_tokens_are_told_from_words() -> None:
    """
    Of 2,000 random tokens nearly all are found, and of 2,000 slugs none.
    """
    chance = Random(7)
    alphabet = string.ascii_letters + string.digits + "-_"
    words = (
        "how",
        "to",
        "build",
        "house",
        "in",
        "2026",
        "top",
        "10",
        "tips",
        "b12",
        "covid19",
        "web3",
        "gpt4",
        "iphone15",
    )
    tokens = ["".join(chance.choices(alphabet, k=32)) for _ in range(2000)]
    slugs = ["-".join(chance.choices(words, k=9)) for _ in range(2000)]

    assert 1900 < sum(bool(scrub(f"/x/{token}").kinds) for token in tokens)
    assert not any(scrub(f"/x/{slug}").kinds for slug in slugs)


def test_kinds_are_counted_one_by_one() -> None:
    """
    Two addresses and a number are three replacements.
    """
    assert (Kind.EMAIL, Kind.EMAIL, Kind.PHONE) == scrub("a@b.se, c@d.se, 0701234567").kinds


def test_campaign_ids_stay_and_campaign_persons_go() -> None:
    """
    An advertiser's long campaign number is the owner's; an address in a campaign is somebody's.
    """
    page = read_page(
        "https://x.test/?utm_campaign=120210000000000123&utm_content=anna%40b.se&ref=%2B4915112345678", False
    )

    assert ("120210000000000123", "[email]", "[phone]") == (page.utm_campaign, page.utm_content, page.utm_source)
    assert "[phone]" == read_page("https://x.test/?utm_term=+46701234567", False).utm_term


def test_names_keys_and_values() -> None:
    """
    An event's name and its properties' keys and values are read alike; without a find nothing is made anew.
    """
    found = scrub_values("Mail to a@b.se", {"z": "1", "a@b.se": "0701234567"})

    assert scrub_values("Signup", {"plan": "premium", "price": "12345"}) is None
    assert found is not None
    assert ("Mail to [email]", {"[email]": "[phone]", "z": "1"}) == (found.name, dict(found.props))
    assert sorted(found.kinds) == [Kind.EMAIL, Kind.EMAIL, Kind.PHONE]


def test_luhn() -> None:
    """
    The check digit of the standard's example is right, any other is wrong.
    """
    assert [luhn(f"7992739871{digit}") for digit in "0123456789"].index(True) == 3


@settings(max_examples=300)
@given(st.text(max_size=120) | st.text("0123456789 -+.@abxZ9%/:_", max_size=120))
@example("%")
def test_any_text_is_read_and_what_is_found_was_suspected(text: str) -> None:
    """
    No text breaks the scrubber; the quick look before it never misses what the long one would find; and what is
    replaced stays replaced.
    """
    kept = scrub(text)
    if replace_personal(as_read(text))[1]:
        assert kept.kinds
    assert kept.text == scrub(kept.text).text or kept.kinds


@pytest.mark.parametrize(
    "piece", ["a", "@", "a.@", "1-", "0", "b.", "a1", "+1", "12:", "eyJ", "%25", "1 ", "\u00e9", "-_", "a@b."]
)
def test_no_text_takes_long(piece: str, clock: FakeClock) -> None:
    """
    Two thousand characters of the worst a pattern can be given are read, none of them for ever.
    """
    assert isinstance(scrub(piece * (2000 // len(piece))), Scrubbed)


emails = st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,10})?@[a-z]{2,10}\.(se|com|org)", fullmatch=True)
mobiles = st.from_regex(r"07[02369][0-9]{7}", fullmatch=True)
births = st.dates(min_value=date(1920, 1, 1), max_value=date(2015, 1, 1))


@st.composite
def personal_numbers(draw: st.DrawFn) -> str:
    body = draw(births).strftime("%y%m%d") + f"{draw(st.integers(0, 999)):03}"
    digits = next(body + check for check in "0123456789" if luhn(body + check))
    return draw(st.sampled_from((digits, f"{digits[:6]}-{digits[6:]}")))


def _plain(text: str) -> str:
    return text


def _quoted_twice(text: str) -> str:
    return quote(quote(text))


planted = st.one_of(emails, mobiles, personal_numbers(), st.uuids().map(str), st.just("4111111111111111"), st.just(JWT))
wraps = st.sampled_from((_plain, quote, _quoted_twice))


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=planted, wrap=wraps, before=st.sampled_from(("", "x ", "id=")), field=st.integers(0, 8))
def test_nothing_planted_is_written(
    secret: str, wrap: Callable[[str], str], before: str, field: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """
    Whatever field of a beacon carries it, a planted address or number is in no byte of what goes to the spool.
    """
    collector = _collector(tmp_path_factory)
    put = before + wrap(secret)
    body: dict[str, object] = {"n": "Signup", "u": "https://site1.test/a", "d": "site1.test"}
    where = [
        {"u": f"https://site1.test/{put}"},
        {"u": f"https://site1.test/a?q={put}&utm_content={put}"},
        {"u": f"https://site1.test/a#/{put}", "h": 1},
        {"r": f"https://other.test/{put}?{put}#{put}"},
        {"n": put},
        {"p": {"value": put}},
        {"p": {put: "value"}},
        {"n": "404", "u": f"https://site1.test/{put}"},
        {"n": "pageview", "u": f"https://site1.test/a?utm_source={put}&utm_campaign={put}"},
    ][field]
    collected = send(collector, {**body, **where})
    drops_of(collector)
    written = b"".join(bytes(record) for record in collected.records)

    assert 202 == collected.answer.status
    assert secret.encode() not in written
    assert "".join(letter for letter in secret if letter.isalnum()).encode() not in written


_made: list[Collector] = []


def _collector(factory: pytest.TempPathFactory) -> Collector:
    if not _made:
        _made.append(make_collector(factory.mktemp("scrub"), FakeClock()))
    return _made[0]


def test_replacements_are_counted_with_every_event(tmp_path: Path, clock: FakeClock) -> None:
    """
    Parsed pages are remembered, and their replacements count all the same each time one comes.
    """
    collector = make_collector(tmp_path, clock)
    beacon = {"n": "Signup", "u": "https://site1.test/a@b.se", "d": "site1.test", "p": {"who": "0701234567"}}
    stored: list[Event] = [event for _ in range(3) for event in events_of(send(collector, beacon))]

    assert {"email": 3, "phone": 3} == collector.counters.scrubbed
    assert {("/[email]", json.dumps({"who": "[phone]"}))} == {
        (event.pathname, json.dumps(event.props)) for event in stored
    }


def test_every_kind_has_a_placeholder() -> None:
    """
    The list is closed, and each placeholder says its kind.
    """
    assert {f"[{kind}]" for kind in Kind} == set(PLACEHOLDERS.values())
