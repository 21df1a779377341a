"""
Reading a question of the risk API: what a stranger's server sends, checked field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import msgspec

TEXT_LENGTH_MAX = 4096
HEADERS_MAX = 60
IP_LENGTH_MAX, SITE_LENGTH_MAX = 100, 300


class BadQuestion(Exception):
    """
    A question that cannot be read. Answer 400 with `errors`; no part of what was sent is in it.
    """

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("the question cannot be read")
        self.errors = errors


def bad(name: str, reason: str) -> BadQuestion:
    """
    Say what is wrong with one field.
    """
    return BadQuestion({name: [reason]})


@dataclass(frozen=True, slots=True, repr=False)
class CheckRequest:
    """
    What is asked. Personal: it holds the address.
    """

    ip: str
    user_agent: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the client, as the caller received them; all, or some."""
    site: str | None = None


def read_check(body: bytes) -> CheckRequest:
    """
    Read the body of a check.

    Raises:
        BadQuestion: not a JSON object, `ip` missing, or a field of the wrong kind. Unknown fields are left alone.
    """
    try:
        told = _decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass  # read once more, field by field, for what is wrong with it, if anything is
    else:
        if told.is_short():
            return CheckRequest(
                told.ip, told.user_agent if told.ua is None else told.ua, _headers(told.headers), told.site
            )
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise bad("request", "must be a JSON object")
    fields = cast("dict[str, object]", sent)
    ip = text_field(fields, "ip", IP_LENGTH_MAX)
    if ip is None:
        raise bad("ip", "is required")
    user_agent = text_field(fields, "ua", TEXT_LENGTH_MAX)
    if user_agent is None:
        user_agent = text_field(fields, "user_agent", TEXT_LENGTH_MAX)
    return CheckRequest(ip, user_agent, _headers(fields.get("headers")), text_field(fields, "site", SITE_LENGTH_MAX))


def text_field(fields: Mapping[str, object], name: str, length_max: int) -> str | None:
    """
    Give a field that must be text, or None when it is absent.

    Raises:
        BadQuestion: it is something else, or too long.
    """
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise bad(name, "must be text")
    if len(value) > length_max:
        raise bad(name, f"is longer than {length_max} characters")
    return value


class _Told(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """
    A question in which every field is known and of the right kind, as nearly all are. Personal.
    """

    ip: str
    ua: str | None = None
    user_agent: str | None = None
    headers: dict[str, str] | None = None
    site: str | None = None

    def is_short(self) -> bool:
        """
        Tell whether no text is too long; headers are not looked at.
        """
        return (
            len(self.ip) <= IP_LENGTH_MAX
            and len(self.site or "") <= SITE_LENGTH_MAX
            and len(self.ua or "") <= TEXT_LENGTH_MAX
            and len(self.user_agent or "") <= TEXT_LENGTH_MAX
        )

    def __repr__(self) -> str:
        return "<question, personal>"


_decode = msgspec.json.Decoder(_Told).decode


def _headers(sent: object) -> dict[str, str]:
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise bad("headers", "must be an object of header names and values")
    headers: dict[str, str] = {}
    for name, value in cast("dict[str, object]", sent).items():
        if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX or not name.isascii():
            raise bad("headers", "must be an object of header names and values")
        headers[name] = value
    if len(headers) > HEADERS_MAX:
        raise bad("headers", f"are more than {HEADERS_MAX}")
    return headers
