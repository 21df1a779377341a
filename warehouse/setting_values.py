"""
What the text of a setting may be: one function for each kind of value. Each raises ValueError saying what is allowed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def whole(low: int, high: int) -> Callable[[str], int]:
    """
    Take a whole number from `low` to `high`, both included.
    """

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"a whole number from {low} to {high}") from None
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def choice(*allowed: str) -> Callable[[str], str]:
    """
    Take one of these words.
    """

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return text

    return parse


def switch(text: str) -> bool:
    """
    Take 0 or 1.
    """
    if text not in ("0", "1"):
        raise ValueError("0 or 1")
    return text == "1"


def anything(text: str) -> str:
    """
    Take any text.
    """
    return text


def host(text: str) -> str:
    """
    Take a host name or address to listen on. Nothing is not one: for a socket it would mean every address there is.
    """
    if not text or any(char.isspace() or char in "/[]" for char in text):
        raise ValueError("an address of this machine, such as 127.0.0.1 or ::1, or 0.0.0.0 for all of them")
    return text


def path(text: str) -> Path:
    """
    Take a path, made absolute.
    """
    if not text:
        raise ValueError("a path")
    return Path(text).expanduser().absolute()


def optional_path(text: str) -> Path | None:
    """
    Take a path, or nothing.
    """
    return path(text) if text else None


def base_url(text: str) -> str:
    """
    Take the public address, or nothing.
    """
    if not text:
        return ""
    parts = _split(text)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not text.isascii()
        # It is written into pages, headers and shell lines.
        or any(char.isspace() or not char.isprintable() or char in "\"'<>`\\" for char in text)
    ):
        raise ValueError("an address such as https://stats.example.com or https://example.com/stats")
    return text.rstrip("/")


def warehouse_url(text: str) -> str:
    """
    Take the address of a warehouse, or nothing.
    """
    if not text:
        return ""
    parts = _split(text)
    if parts is not None:
        if parts.scheme == "chdb" and parts.path.startswith("/") and not parts.netloc:
            return text
        if parts.scheme in ("clickhouse", "clickhouses") and parts.hostname:
            return text
    raise ValueError("chdb:///path, or clickhouse://user:password@host:8123/database")


def networks(text: str) -> Networks:
    """
    Take networks separated by commas, but never all addresses, in however many pieces.
    """
    found: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValueError(f"networks such as 10.0.0.0/8, separated by commas; {part!r} is none") from None
    fours = ipaddress.collapse_addresses(net for net in found if isinstance(net, ipaddress.IPv4Network))
    sixes = ipaddress.collapse_addresses(net for net in found if isinstance(net, ipaddress.IPv6Network))
    if any(net.prefixlen == 0 for net in (*fours, *sixes)):
        # A header that anyone may set is no evidence of who is calling.
        raise ValueError("the networks of your own proxies; the whole internet is refused")
    return tuple(found)


def header_names(text: str) -> tuple[str, ...]:
    """
    Take header names separated by commas, in lower case.
    """
    names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for name in names:
        if not all(char.isascii() and (char.isalnum() or char in "-_") for char in name):
            raise ValueError("header names separated by commas")
    return names


def optional_header_name(text: str) -> str:
    """
    Take one header name, or nothing.
    """
    if not text:
        return ""
    if "," in text:
        raise ValueError("the name of one header")
    return header_names(text)[0]


def admin_key(text: str) -> str:
    """
    Take a key that somebody chose, or nothing.
    """
    if text and (len(text) < 16 or not text.isascii() or not text.isprintable() or " " in text):
        raise ValueError("at least 16 printable characters without spaces")
    return text


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # one that is no port raises only when asked for
    except ValueError:
        return None
    return parts
