"""
Hop 2, decode: bytes from the wire to a `Beacon`. Pure; refuses with `WireError`, the endpoint makes the status.

The wire format is that of the Plausible events API, so that its trackers and clients work unchanged.
Source: https://plausible.io/docs/events-api, and black-box cases in `tests/ingest/cases_events.json`.
A beacon is personal (address of the page, and in a batch the visitor's address): it is never printed or logged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

import msgspec

from ingest.event import ENGAGEMENT, PAGEVIEW, UNKNOWN_SCROLL_DEPTH
from ingest.revenue import read_revenue
from ingest.url import split_url, without_www

NAME_LENGTH_MAX = 120
URL_BYTES_MAX = 2000
REFERRER_LENGTH_MAX = 2000
DOMAINS_MAX = 50
"""Sites one beacon may name. Ours: without it a small body could become tens of thousands of events."""
PROPS_MAX = 30
PROP_KEY_BYTES_MAX = 300
PROP_VALUE_BYTES_MAX = 2000
ENGAGEMENT_MS_LIMIT = 30 * 24 * 3600 * 1000
"""Engaged times from here on are nonsense and read as unknown."""

# These names are the tracker's own, and always mean that a person did something.
ALWAYS_INTERACTIVE = frozenset({
    PAGEVIEW, ENGAGEMENT, "Outbound Link: Click", "Cloaked Link: Click", "File Download", "404",
    "WP Form Completions", "Form: Submission",
})  # fmt: skip

_ENGAGEMENT_REASON = "engagement event requires a valid integer value for at least one of 'sd' or 'e' fields"
_PROPS_REASON = f"keys should have at most {PROP_KEY_BYTES_MAX} bytes and values {PROP_VALUE_BYTES_MAX} bytes"
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_DATA_SCHEME = re.compile(r"\s*data:", re.IGNORECASE)


class WireError(Exception):
    """
    A beacon that cannot be read. Answer 400 with `as_json()`.

    The reasons are fixed texts: no part of what was sent is ever in them.
    """

    def __init__(self, field: str, reason: str, *, more: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.errors: dict[str, list[str]] = {field: [reason], **(more or {})}

    def as_json(self) -> dict[str, dict[str, list[str]]]:
        """
        Give the answer's body, every wrong field with its reasons.
        """
        return {"errors": self.errors}


class Beacon(msgspec.Struct, frozen=True, gc=False):
    """
    One event as sent, checked and with defaults filled in. Personal.

    Units: `engagement_ms` milliseconds, 0 not known; `scroll_depth` percent, 255 not known.
    """

    name: str
    url: str
    """As sent, not yet parsed."""
    domains: tuple[str, ...]
    """Site keys, `www.` stripped, lower case, in order. A key named twice stays twice, as the answer counts both."""
    referrer: str = ""
    props: Mapping[str, str] = {}
    """Sorted by key."""
    hash_mode: bool = False
    revenue: tuple[Decimal, str] | None = None
    """Amount with at most three places, and ISO 4217 code."""
    interactive: bool = True
    scroll_depth: int = UNKNOWN_SCROLL_DEPTH
    engagement_ms: int = 0
    gpc: bool = False
    """A batch's way to say Sec-GPC."""
    timestamp: object = None
    """Batch only, as sent: ISO 8601 text or epoch milliseconds. None when absent, as the next three."""
    ip: object = None
    user_agent: object = None
    event_id: object = None

    def __repr__(self) -> str:
        return "<Beacon, personal>"


# Numbers with a point stay exact: 10.2 is money, not a float.
_decode_json: Callable[[bytes | str], object] = msgspec.json.Decoder(float_hook=Decimal).decode


def decode(body: bytes) -> Beacon:
    """
    Read one beacon's body. What only a batch may say (time, address, user agent, event id) is not looked at.

    Raises:
        WireError: the body or a field is wrong. Answer 400.
    """
    return _read(_json_object(body), batch=False)


def decode_value(obj: object) -> Beacon:
    """
    Read one event of a batch, already parsed from JSON.

    Raises:
        WireError: the event or a field is wrong. Report it at the event's index as `invalid`.
    """
    if not isinstance(obj, dict):
        raise WireError("request", "Unable to parse request body as json")
    return _read(cast("dict[str, object]", obj), batch=True)


def decode_json(body: bytes | str) -> object:
    """
    Parse JSON from a stranger: numbers with a point become `Decimal`.

    Raises:
        WireError: not JSON, not UTF-8, nested too deep, or a number beyond all use.
    """
    try:
        return _decode_json(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, InvalidOperation):
        raise WireError("request", "Unable to parse request body as json") from None


def _json_object(body: bytes) -> dict[str, object]:
    parsed = decode_json(body)
    if not isinstance(parsed, dict):
        raise WireError("request", "Unable to parse request body as json")
    return cast("dict[str, object]", parsed)


def _read(obj: dict[str, object], *, batch: bool) -> Beacon:
    errors: dict[str, list[str]] = {}
    get = obj.get
    # `or` and not a default: the short key wins unless it is null, false or empty.
    sent_name = get("n")
    unsaid = sent_name is None or sent_name is False or sent_name == ""
    name = _name(get("name") if unsaid else sent_name, errors)
    sent_url = get("u")
    url = _url(get("url") if sent_url is None else sent_url, errors)
    sent_domain = get("d")
    domains = read_domains(get("domain") if sent_domain is None else sent_domain, url, errors)
    referrer = get("r") or get("referrer")
    sent_props = get("m") or get("meta") or get("p") or get("props")
    props = _props(sent_props, errors) if sent_props else {}
    sent_revenue = get("revenue") or get("$")
    scroll_depth, engagement_ms = UNKNOWN_SCROLL_DEPTH, 0
    if name == ENGAGEMENT:
        scroll_depth, engagement_ms = _scroll_depth(get("sd")), _engagement_ms(get("e"))
        if scroll_depth == UNKNOWN_SCROLL_DEPTH and engagement_ms == 0:
            errors["event_name"] = [_ENGAGEMENT_REASON]
    if errors:
        field, reasons = errors.popitem()
        raise WireError(field, reasons[0], more=errors)
    sent_interactive = get("i")
    sent_hash_mode = get("h")
    return Beacon(
        name=name,
        url=url,
        domains=domains,
        referrer=_clean(referrer)[:REFERRER_LENGTH_MAX] if isinstance(referrer, str) else "",
        props=props,
        hash_mode=_is_one(get("hashMode") if sent_hash_mode is None else sent_hash_mode),
        revenue=read_revenue(_object(sent_revenue)) if sent_revenue else None,
        interactive=name in ALWAYS_INTERACTIVE
        or (get("interactive") if sent_interactive is None else sent_interactive) is not False,
        scroll_depth=scroll_depth,
        engagement_ms=engagement_ms,
        # Also as the header says it: who hands on what the visitor sent must not have it overheard.
        gpc=get("gpc") in (True, "1", "true"),
        timestamp=get("timestamp") if batch else None,
        ip=get("ip") if batch else None,
        user_agent=get("user_agent") if batch else None,
        event_id=get("event_id") if batch else None,
    )


def _name(sent: object, errors: dict[str, list[str]]) -> str:
    if isinstance(sent, int) and not isinstance(sent, bool):
        sent = str(sent)
    if sent is None or sent is False or sent == "":
        errors["event_name"] = ["can't be blank"]
    elif not isinstance(sent, str):
        errors["event_name"] = ["is invalid"]
    else:
        name = _clean(sent)
        if len(name) > NAME_LENGTH_MAX:
            errors["event_name"] = [f"should be at most {NAME_LENGTH_MAX} character(s)"]
        elif not name or name.isspace():
            errors["event_name"] = ["can't be blank"]
        return name
    return ""


def _url(sent: object, errors: dict[str, list[str]]) -> str:
    if sent is None or sent == "":
        errors["url"] = ["is required"]
    elif not isinstance(sent, str) or len(sent) > URL_BYTES_MAX or len(sent.encode()) > URL_BYTES_MAX:
        errors["url"] = ["must be a valid url"]
    elif _DATA_SCHEME.match(sent):
        errors["url"] = ["scheme is not allowed"]
    else:
        return _clean(sent)
    return ""


def read_domains(sent: object, url: str, errors: dict[str, list[str]]) -> tuple[str, ...]:
    if sent is None:
        sent = split_url(url).host
    if not isinstance(sent, str):
        errors["domain"] = ["is invalid"]
        return ()
    parts = (without_www(part.strip().lower()) for part in _clean(sent).split(","))
    domains = tuple(part for part in parts if part)
    if not domains:
        errors["domain"] = ["can't be blank"]
    elif len(domains) > DOMAINS_MAX:
        errors["domain"] = [f"should name at most {DOMAINS_MAX} sites"]
    return domains


def _props(sent: object, errors: dict[str, list[str]]) -> dict[str, str]:
    pairs = _object(sent)
    kept: dict[str, str] = {}
    for key, value in pairs.items():
        if len(kept) == PROPS_MAX:
            break
        text = _text(value)
        clean_key = _clean(key)
        if not text or text.isspace() or not clean_key or clean_key.isspace():
            continue
        if len(clean_key.encode()) > PROP_KEY_BYTES_MAX or len(text.encode()) > PROP_VALUE_BYTES_MAX:
            errors["props"] = [_PROPS_REASON]
            break
        kept[clean_key] = text
    return dict(sorted(kept.items()))


def _text(value: object) -> str:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    return ""


def _object(sent: object) -> dict[str, object]:
    """
    Give an object, also one sent as JSON text; anything else is as good as nothing.
    """
    if isinstance(sent, str):
        try:
            sent = decode_json(sent)
        except WireError:
            return {}
    return cast("dict[str, object]", sent) if isinstance(sent, dict) else {}


def _whole_number(sent: object) -> int | None:
    if isinstance(sent, bool):
        return None
    if isinstance(sent, int):
        return sent
    if isinstance(sent, str) and _WHOLE_NUMBER.match(sent):
        return int(sent)
    return None


def _scroll_depth(sent: object) -> int:
    number = _whole_number(sent)
    if number is None or number < 0:
        return UNKNOWN_SCROLL_DEPTH
    return min(number, 100)


def _engagement_ms(sent: object) -> int:
    number = _whole_number(sent)
    return number if number is not None and 0 < number < ENGAGEMENT_MS_LIMIT else 0


def _is_one(sent: object) -> bool:
    return sent is True or sent == 1 or sent == "1"  # hand-written clients send all three


def _clean(text: str) -> str:
    """
    Remove NUL, which no later hop can show or store faithfully.
    """
    return text.replace("\x00", "") if "\x00" in text else text
