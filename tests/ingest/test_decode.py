"""
Hop 2: the wire format, field by field.
"""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decode import DOMAINS_MAX, PROPS_MAX, Beacon, WireError, decode, decode_value
from ingest.decode_plain import decode_plain

PAGEVIEW = {"n": "pageview", "u": "https://www.Example.com/a", "d": "example.com"}


def read(**fields: object) -> Beacon:
    return decode(json.dumps(PAGEVIEW | fields).encode())


def refused(body: bytes) -> dict[str, list[str]]:
    with pytest.raises(WireError) as caught:
        decode(body)
    return caught.value.as_json()["errors"]


def refusal_of(**fields: object) -> dict[str, list[str]]:
    return refused(json.dumps(PAGEVIEW | fields).encode())


def test_plain_pageview() -> None:
    """A pageview with nothing special has the defaults."""
    expected = Beacon(name="pageview", url="https://www.Example.com/a", domains=("example.com",))

    assert read() == expected


def test_long_names_mean_the_same() -> None:
    """Every field may be named in full."""
    body = {
        "name": "Signup", "url": "http://a.test/", "domain": "a.test", "referrer": "http://b.test/", "props": {"k": 1},
        "hashMode": 1, "revenue": {"amount": "1.50", "currency": "EUR"}, "interactive": False,
    }  # fmt: skip
    expected = Beacon(
        name="Signup", url="http://a.test/", domains=("a.test",), referrer="http://b.test/", props={"k": "1"},
        hash_mode=True, revenue=(Decimal("1.50"), "EUR"), interactive=False,
    )  # fmt: skip

    assert decode(json.dumps(body).encode()) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"", b"x", b"[1,2]", b"12", b"null", b'"text"', b"{", b'{"n":NaN}', b'{"n":"\\ud800"}', b'{"n":"\xff"}',
        b"[" * 60_000, b'{"a":' * 10_000, b'{"n":' + b"1" * 10_000 + b"}", b'{"n":1e99999999999999999999}',
        b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_not_a_json_object(body: bytes) -> None:
    """What is no JSON object is refused with one fixed text."""

    assert refused(body) == {"request": ["Unable to parse request body as json"]}


def test_empty_object_names_every_missing_field() -> None:
    """An empty object is told all that is missing at once."""
    expected = {"event_name": ["can't be blank"], "url": ["is required"], "domain": ["can't be blank"]}

    assert refused(b"{}") == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "can't be blank"), ("  ", "can't be blank"), (None, "can't be blank"), ("\x00", "can't be blank"),
        (["a"], "is invalid"), ([], "is invalid"), ({"a": 1}, "is invalid"), (True, "is invalid"), (1.5, "is invalid"),
        ("a" * 121, "should be at most 120 character(s)"),
    ],
)  # fmt: skip
def test_wrong_names(name: object, reason: str) -> None:
    """An event needs a name of at most 120 characters."""

    assert refusal_of(n=name) == {"event_name": [reason]}


def test_whole_number_is_a_name() -> None:
    """A number as name is stored as text."""

    assert ("404", "0") == (read(n=404).name, read(n=0).name)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "is required"), ("", "is required"), (12, "must be a valid url"), ([], "must be a valid url"),
        ("https://a.test/" + "ä" * 1000, "must be a valid url"), ("data:text/html,x", "scheme is not allowed"),
        ("DATA:x", "scheme is not allowed"),
    ],
)  # fmt: skip
def test_wrong_urls(url: object, reason: str) -> None:
    """A page's address is text of at most 2000 bytes and no data: address."""

    assert refusal_of(u=url) == {"url": [reason]}


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("a.test", ("a.test",)), (" www.A.test ", ("a.test",)), ("a.test, b.test,", ("a.test", "b.test")),
        ("a.test,a.test", ("a.test", "a.test")), (None, ("example.com",)),
    ],
)  # fmt: skip
def test_domains(domain: object, expected: tuple[str, ...]) -> None:
    """Sites are named by a list with commas; without one, the page's host is the site."""

    assert read(d=domain).domains == expected


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("", "can't be blank"), (" ,", "can't be blank"), (7, "is invalid"),
        (",".join(["a.test"] * (DOMAINS_MAX + 1)), "should name at most 50 sites"),
    ],
)  # fmt: skip
def test_wrong_domains(domain: object, reason: str) -> None:
    """A site list must name at least one site and not thousands."""

    assert refusal_of(d=domain) == {"domain": [reason]}


def test_domain_of_an_address_without_host() -> None:
    """Without a site and without a host there is nothing to count for."""

    assert refusal_of(d=None, u="about:config") == {"domain": ["can't be blank"]}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("a" * 2001, "a" * 2000), (12, ""), (None, ""), (["x"], ""), ("http://b.test", "http://b.test")],
)
def test_referrer_never_refuses(sent: object, expected: str) -> None:
    """A long referrer is cut, a wrong one is as good as none."""

    assert read(r=sent).referrer == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"b": 1, "a": True, "c": 1.5}, {"a": "true", "b": "1", "c": "1.5"}),
        ('{"a":12}', {"a": "12"}),
        ("not json", {}), ("[1]", {}), ([1], {}), (7, {}),
        ({"a": None, "b": "", "c": "  ", "d": [], "e": {}, "": "x", " ": "x", "f": False}, {"f": "false"}),
        ({"a\x00": "b\x00c"}, {"a": "bc"}),
    ],
)  # fmt: skip
def test_props(sent: object, expected: dict[str, str]) -> None:
    """Properties become text, sorted; empty and nested ones go."""

    assert read(p=sent).props == expected


def test_props_precedence() -> None:
    """Of the four names for properties, m wins, then meta, p, props."""
    sent = {name: {name: "x"} for name in ("props", "p", "meta", "m")}

    assert list(read(**sent).props) == ["m"]
    del sent["m"]
    assert list(read(**sent).props) == ["meta"]
    del sent["meta"]
    assert list(read(**sent).props) == ["p"]


def test_props_beyond_thirty_are_cut() -> None:
    """More than thirty properties lose the excess, not the event."""

    assert len(read(p={str(number): "x" for number in range(50)}).props) == PROPS_MAX


@pytest.mark.parametrize("sent", [{"k" * 301: "v"}, {"k": "v" * 2001}, {"k": "ä" * 1001}])
def test_props_too_long(sent: dict[str, str]) -> None:
    """A property beyond the limits refuses the event."""

    assert refusal_of(p=sent) == {"props": ["keys should have at most 300 bytes and values 2000 bytes"]}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"amount": 10.2, "currency": "EUR"}, (Decimal("10.2"), "EUR")),
        ({"amount": "12.3", "currency": "usd"}, (Decimal("12.3"), "USD")),
        ('{"amount":-5,"currency":"SEK"}', (Decimal(-5), "SEK")),
        ({"amount": "1.00049", "currency": "SEK"}, (Decimal("1.000"), "SEK")),
        ({"amount": 1, "currency": "EEEE"}, None), ({"amount": "1831d", "currency": "SEK"}, None),
        ({"amount": True, "currency": "SEK"}, None), ({"amount": "NaN", "currency": "SEK"}, None),
        ({"amount": "1e99", "currency": "SEK"}, None), ({"amount": 10**17, "currency": "SEK"}, None),
        ({"currency": "SEK"}, None), ({"amount": 1}, None), ("junk", None), (12, None),
    ],
)  # fmt: skip
def test_revenue(sent: object, expected: tuple[Decimal, str] | None) -> None:
    """Money is exact, and wrong money is ignored without failing the event."""

    assert read(**{"$": sent}).revenue == expected


@pytest.mark.parametrize(
    ("name", "sent", "expected"),
    [
        ("x", False, False), ("x", 0, True), ("x", "false", True), ("x", None, True), ("x", True, True),
        ("pageview", False, True), ("404", False, True), ("Outbound Link: Click", False, True),
    ],
)  # fmt: skip
def test_interactive(name: str, sent: object, expected: bool) -> None:
    """Only a literal false, and only on a name of one's own, makes an event non-interactive."""

    assert read(n=name, i=sent).interactive == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sd": 50}, (50, 0)), ({"sd": 101}, (100, 0)), ({"sd": "101"}, (100, 0)), ({"sd": 0}, (0, 0)),
        ({"sd": -1, "e": 100}, (255, 100)), ({"sd": "12asd", "e": 100}, (255, 100)),
        ({"sd": 40, "e": "789"}, (40, 789)),
        ({"sd": 1, "e": 2592000000}, (1, 0)), ({"sd": 1, "e": 2591999999}, (1, 2591999999)),
        ({"sd": True, "e": 1}, (255, 1)),
    ],
)  # fmt: skip
def test_engagement(fields: dict[str, object], expected: tuple[int, int]) -> None:
    """Depth and time of an engagement are whole numbers within reason, else unknown."""
    beacon = read(n="engagement", **fields)

    assert (beacon.scroll_depth, beacon.engagement_ms) == expected


@pytest.mark.parametrize("fields", [{}, {"e": 0}, {"sd": -1}, {"e": 2592000000}, {"sd": "x", "e": "y"}])
def test_engagement_that_says_nothing(fields: dict[str, object]) -> None:
    """An engagement without depth and time is refused."""
    reason = "engagement event requires a valid integer value for at least one of 'sd' or 'e' fields"

    assert refusal_of(n="engagement", **fields) == {"event_name": [reason]}


def test_depth_and_time_belong_to_engagement_only() -> None:
    """On other events they are not looked at."""
    beacon = read(sd=10, e=789)

    assert (beacon.scroll_depth, beacon.engagement_ms) == (255, 0)


def test_public_beacon_cannot_say_who_sent_it() -> None:
    """Time, address, user agent and event id are heard in a batch only."""
    fields: dict[str, object] = {"ip": "198.51.100.1", "user_agent": "x", "timestamp": 1, "event_id": "e"}
    beacon, event = read(**fields), decode_value(PAGEVIEW | fields)

    assert (beacon.ip, beacon.user_agent, beacon.timestamp, beacon.event_id) == (None, None, None, None)
    assert (event.ip, event.user_agent, event.timestamp, event.event_id) == ("198.51.100.1", "x", 1, "e")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(True, True), ("1", True), (1, True), (False, False), (0, False), ("no", False), ([], False), (None, False)],
)
def test_gpc_of_a_batch(sent: object, expected: bool) -> None:
    """True, or what the header has, says that the visitor's browser sent GPC."""

    assert decode_value(PAGEVIEW | {"gpc": sent}).gpc is expected


def test_batch_event_that_is_no_object() -> None:
    """An event of a batch must be an object."""
    with pytest.raises(WireError) as caught:
        decode_value([1])

    assert caught.value.field == "request"


def test_repr_hides_everything() -> None:
    """A beacon never shows itself."""

    assert repr(read()) == "<Beacon, personal>"


KEYS = ("n", "name", "u", "url", "d", "domain", "r", "p", "m", "$", "revenue", "i", "h", "sd", "e", "gpc", "x")
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT | st.sampled_from(["engagement", "pageview"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_object_is_read_or_refused(body: dict[str, object]) -> None:
    """No object makes anything but a beacon or a WireError, and a beacon survives being written and read."""
    try:
        beacon = decode(json.dumps(body).encode())
    except WireError as error:
        assert error.errors
        return

    assert beacon.name and beacon.url is not None and beacon.domains
    assert "\x00" not in beacon.name + beacon.url + beacon.referrer
    msgspec.msgpack.encode([beacon.name, beacon.url, beacon.domains, dict(beacon.props)])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes make anything but a beacon or a WireError."""
    try:
        decode(body)
    except WireError as error:
        assert error.errors


URLS = ["https://site1.test/a", "http://x/", "data:x", "", "/a", "https://é/"]


@given(
    st.fixed_dictionaries(
        {
            "n": st.sampled_from(["pageview", "pageview", "Signup", "engagement", ""]),
            "u": st.one_of(
                st.sampled_from(["https://site1.test/a", "http://x/", "data:x", "", "/a", "https://é/"]), st.text()
            ),
            "d": st.one_of(st.sampled_from(["site1.test", "www.Site1.test, b.test", " ", ","]), st.text()),
        },
        optional={
            "r": st.one_of(st.none(), st.text(), st.just("x" * 2500)),
            "v": st.one_of(st.integers(), st.none(), st.text()),
            "p": st.just({"a": "b"}),
            "h": st.just(1),
        },
    )
)
def test_the_short_way_reads_what_the_long_way_reads(obj: dict[str, object]) -> None:
    """
    An ordinary pageview is read by a short way; nobody can tell.
    """
    body = json.dumps(obj).encode()

    plain = decode_plain(body)
    if plain is not None:
        assert _fields(decode(body)) == _fields(plain)


def _fields(beacon: Beacon) -> tuple[object, ...]:
    return tuple(getattr(beacon, name) for name in Beacon.__struct_fields__)


def test_what_a_tracker_sends_goes_the_short_way() -> None:
    """
    An ordinary pageview is read by the short way, or it would be for nothing.
    """
    assert decode_plain(b'{"n":"pageview","v":1,"u":"https://site1.test/a?b=c","d":"site1.test","r":null}') is not None
