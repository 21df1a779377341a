"""
Lines of web server access logs: common, combined (also with the virtual host in front), and JSON as nginx, Caddy and
Traefik write it. Pure; what a line says is personal and never printed, logged or written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import cast

from ingest.decode import WireError, decode_json

TIMES_MAX = 4096
"""Minutes remembered: a busy one has many lines."""
COMMON_PARTS, COMBINED_PARTS = 3, 7
"""Pieces of a line between its quotes: with the request alone, and with referrer and user agent behind it."""
MILLISECONDS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds, smaller ones seconds: in seconds it is the year 5138."""

# Source: https://httpd.apache.org/docs/2.4/logs.html#accesslog; vhost_combined as Debian ships it.
_LINE = re.compile(
    r'(?:([\w.-]+):\d+ )?(\S+) \S+ .*?\[([^\]]{20,40})\] "((?:[^"\\]|\\.)*)" (\d{3}) (?:\d+|-)'
    r'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?'
)
# Most lines: nothing escaped, no user's name with spaces, no virtual host. The long way reads them the same.
_PLAIN_HEAD = re.compile(r"(?![\w.-]+:\d+ )(\S+) \S+ \S+ \[([^\]]{26})\] \Z")
_PLAIN_STATUS = re.compile(r" (\d{3}) (?:\d+|-)(?: |\Z)")
_MINUTE = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:([0-5]\d)( [+-]\d{4})\Z")
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\Z")
_REQUEST = re.compile(r"([A-Z]+) (\S+)(?: HTTP/[\d.]+)?\Z")
_ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|["\\])')
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
# Names of fields, the first that is there counts. Sources: the log modules of nginx, Caddy 2 and Traefik 3.
_ADDRESS = ("client_ip", "remote_ip", "remote_addr", "ClientHost", "clientip", "client", "ip")
_AT = ("time_iso8601", "@timestamp", "timestamp", "time", "ts", "StartUTC", "msec", "time_local")
_METHOD = ("request_method", "method", "RequestMethod")
_TARGET = ("request_uri", "uri", "RequestPath", "path", "url")
_STATUS = ("status", "DownstreamStatus", "status_code", "response")
_HOST = ("host", "http_host", "RequestHost", "server_name", "vhost")
_REFERRER = ("http_referer", "http_referrer", "referer", "referrer", "request_Referer")
_AGENT = ("http_user_agent", "user_agent", "agent", "request_User-Agent", "userAgent")


class NoLogLine(Exception):
    """
    A line that no format fits. The text is one sentence without anything of the line.
    """


@dataclass(frozen=True, slots=True)
class Request:
    """
    What a line says of a request. `at` in epoch seconds UTC; texts are empty when not known.
    """

    at: int
    address: str
    method: str
    target: str
    status: int
    host: str
    referrer: str
    user_agent: str

    def __repr__(self) -> str:
        return "<Request, personal>"


def parse_log_line(raw: bytes) -> Request:
    """
    Read a line of any format known.

    Raises:
        NoLogLine: say so at its number.
    """
    if raw.lstrip().startswith(b"{"):
        return _from_json(raw)
    line = raw.decode("utf-8", "replace")
    plain = None if "\\" in line else _from_plain(line)
    if plain is not None:
        return plain
    match = _LINE.match(line)
    if match is None:
        raise NoLogLine("this is no line of a common, combined or JSON access log")
    host, address, time, request, status, referrer, agent = match.groups(default="")
    method, target = _method_and_target(_plain(request))
    return Request(_clf_time(time), address, method, target, int(status), host, _plain(referrer), _plain(agent))


def _from_plain(line: str) -> Request | None:
    """
    Read a common or combined line by its quotes; None when the long way must.
    """
    parts = line.split('"')
    combined = len(parts) >= COMBINED_PARTS
    if not combined and len(parts) != COMMON_PARTS:
        return None
    head, answer = _PLAIN_HEAD.match(parts[0]), _PLAIN_STATUS.match(parts[2])
    if head is None or answer is None or (combined and (parts[4] != " " or answer.end() != len(parts[2]))):
        return None
    referrer, agent = (parts[3], parts[5]) if combined else ("", "")
    method, target = _method_and_target("" if parts[1] == "-" else parts[1])
    return Request(
        _clf_time(head[2]),
        head[1],
        method,
        target,
        int(answer[1]),
        "",
        "" if referrer == "-" else referrer,
        "" if agent == "-" else agent,
    )


def _from_json(raw: bytes) -> Request:
    try:
        sent = decode_json(raw)
    except WireError:
        raise NoLogLine("this is no JSON") from None
    line = cast("dict[str, object]", sent)
    inner = line.get("request")
    fields: Mapping[str, object] = line
    if isinstance(inner, dict):
        # Caddy: what was asked is an object of its own.
        asked = cast("dict[str, object]", inner)
        headers = asked.get("headers")
        fields = {**line, **asked, **_headers(headers)}
    method, target = _text(fields, _METHOD), _text(fields, _TARGET)
    if isinstance(inner, str) and not (method and target.startswith("/")):
        method, target = _method_and_target(inner)
    status = _text(fields, _STATUS)
    if not (method and target and status.isdigit()):
        raise NoLogLine("this JSON has no method, path and status of a request")
    return Request(
        at=_any_time(next((fields[name] for name in _AT if name in fields), None)),
        address=_text(fields, _ADDRESS),
        method=method,
        target=target,
        status=int(status),
        host=_text(fields, _HOST),
        referrer=_text(fields, _REFERRER),
        user_agent=_text(fields, _AGENT),
    )


def _headers(sent: object) -> dict[str, object]:
    if not isinstance(sent, dict):
        return {}
    found: dict[str, object] = {}
    for name, value in cast("dict[str, object]", sent).items():
        values = cast("list[object]", value) if isinstance(value, list) else [value]
        first = values[0] if values else None
        if name.lower() == "user-agent":
            found[_AGENT[0]] = first
        elif name.lower() == "referer":
            found[_REFERRER[0]] = first
    return found


def _text(fields: Mapping[str, object], names: tuple[str, ...]) -> str:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return "" if value == "-" else value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""


def _method_and_target(request: str) -> tuple[str, str]:
    match = _REQUEST.match(request)
    return (match[1], match[2]) if match else ("", "")


def _plain(text: str) -> str:
    """
    Take the escapes of the log away; a lone dash is nothing.
    """
    if "\\" in text:
        text = _ESCAPE.sub(lambda found: chr(int(found[1][1:], 16)) if found[1][0] == "x" else found[1], text)
    return "" if text == "-" else text


def _clf_time(text: str) -> int:
    """
    Read a time; minutes are remembered, as seconds are rarely the same twice.
    """
    known = _MINUTE.match(text)
    return _any_clf_time(text) if known is None else _any_clf_time(f"{text[:18]}00{known[2]}") + int(known[1])


@lru_cache(TIMES_MAX)
def _any_clf_time(text: str) -> int:
    match = _TIME.match(text)
    if match is None or match[2] not in _MONTHS:
        raise NoLogLine("the time is not written as 10/Oct/2000:13:55:36 -0700")
    offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
    try:
        moment = datetime(
            int(match[3]), _MONTHS[match[2]], int(match[1]), int(match[4]), int(match[5]), int(match[6]),
            tzinfo=timezone(-offset if match[7] == "-" else offset),
        )  # fmt: skip
    except ValueError:
        raise NoLogLine("the time does not exist") from None
    return int(moment.timestamp())


def _any_time(sent: object) -> int:
    if isinstance(sent, str) and not sent.replace(".", "", 1).isdigit():
        if "/" in sent:
            return _clf_time(sent)
        try:
            moment = datetime.fromisoformat(sent.strip())
        except ValueError:
            raise NoLogLine("the time is neither ISO 8601 nor a number of seconds") from None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    if isinstance(sent, str):
        sent = Decimal(sent)
    if isinstance(sent, bool) or not isinstance(sent, (int, Decimal)) or not 0 <= sent < 10**15:
        raise NoLogLine("there is no time")
    return int(sent / 1000 if sent >= MILLISECONDS_FROM else sent)
