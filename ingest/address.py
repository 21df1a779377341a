"""
Hop 1, whose address: the one place that decides which address a request came from.

A header is believed only when the peer is a trusted proxy, because anyone can send a header. The list in it is
walked from the right, where the nearest proxy wrote; the first address that is no proxy of ours is the client.
Nothing here is logged: an address is personal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET, inet_pton

HOPS_MAX = 32
"""Items of a header list that are looked at, from the right. More proxies in a row do not exist; attackers do."""
HEADER_BYTES_MAX = 8192
"""What is read of one header's values, from the right."""
NO_ADDRESS = IPv4Address("0.0.0.0")  # noqa: S104 - not a bind: stands for "the peer has no address"
"""A peer without an address, such as a unix socket. It is nowhere and on nobody's list."""
PEERS_MAX = 256
"""Trusted peers remembered; proxies, never visitors."""
IPV4_LENGTH_MAX = len("255.255.255.255")
PARSED_MAX = 4096
"""Parsed addresses kept in memory; a few hundred bytes each, never written."""

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class AddressTrust:
    """
    Which peers are proxies of ours, and the headers, in lower case and in order, they put the client address in.
    """

    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    headers: tuple[str, ...] = ("x-forwarded-for", "forwarded")
    _peers: dict[str, bool] = field(default_factory=dict[str, bool], init=False, repr=False, compare=False)
    _ranges: tuple[tuple[int, int, int], ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # As numbers: asking `address in network` makes and hashes objects, for every hop of every beacon.
        ranges = tuple((net.version, int(net.network_address), int(net.broadcast_address)) for net in self.proxies)
        object.__setattr__(self, "_ranges", ranges)

    def covers(self, address: Address) -> bool:
        """
        Tell whether an address is one of our proxies.
        """
        number, version = int(address), address.version
        for family, first, last in self._ranges:  # noqa: SIM110  # any() makes a generator for every beacon
            if family == version and first <= number <= last:
                return True
        return False

    def trusts(self, peer: str) -> bool:
        """
        Tell whether the other end of a connection is one of our proxies; remembered, as proxies are few.
        """
        known = self._peers.get(peer)
        if known is None:
            address = _parse(peer)
            known = address is not None and self.covers(address)
            if known and len(self._peers) < PEERS_MAX:
                self._peers[peer] = True
        return known


def client_address(peer: str, headers: Sequence[tuple[bytes, bytes]], trust: AddressTrust) -> Address:
    """
    Decide the address of the client.

    Args:
        peer: address of the other end of the connection; empty or a path for a unix socket.
        headers: names in lower case with values, as received.

    Returns:
        IPv4 also where it came mapped into IPv6, without zone. `NO_ADDRESS` when the peer has none and no believed
        header names one. A peer without an address is no trusted proxy.
    """
    if not trust.trusts(peer):
        return _parse(peer) or NO_ADDRESS
    for name in trust.headers:
        wanted = name.encode("ascii")
        values = [value for header, value in headers if header == wanted and value.strip()]
        if values:
            # The first header that is there decides. Falling through to the next one would let a client choose: a
            # proxy that writes X-Forwarded-For passes a Forwarded header on as the client sent it.
            return _from_header(name, values, trust) or _parse(peer) or NO_ADDRESS
    return _parse(peer) or NO_ADDRESS


def parse_address(text: str) -> Address | None:
    """
    Read one address, with or without port, brackets, quotes or zone; None when it is none.
    """
    return _parse(text)


def address_in(name: str, value: bytes, trust: AddressTrust) -> Address | None:
    """
    Read the client from the one header of that name; None when it does not say, and the peer's own address counts.
    """
    return _from_header(name, [value], trust)


def _from_header(name: str, values: list[bytes], trust: AddressTrust) -> Address | None:
    if len(values) == 1:
        alone = _plain_ipv4(values[0].decode("latin-1"))
        if alone is not None:
            return None if trust.covers(alone) else alone
    # Several lines of one header are one list (RFC 9110, section 5.3).
    text = b",".join(values)[-HEADER_BYTES_MAX:].decode("latin-1")
    items = text.rsplit(",", HOPS_MAX)[-HOPS_MAX:]
    for item in reversed(items):
        if item == "" or item.isspace():
            # Empty list elements mean nothing (RFC 9110, section 5.6.1).
            continue
        address = _parse(_forwarded_for(item) if name == "forwarded" else item)
        if address is None:
            # Whoever wrote junk here may have written everything left of it, too.
            return None
        if not trust.covers(address):
            return address
    return None


def _forwarded_for(item: str) -> str:
    """
    Give the `for` of one element of a Forwarded header. Source: RFC 7239, section 4.
    """
    for pair in item.split(";"):
        name, equals, value = pair.partition("=")
        if equals and name.strip().lower() == "for":
            return value
    return ""


def _plain_ipv4(text: str) -> IPv4Address | None:
    """
    Read an IPv4 address and nothing else, by far the most, in a quarter of the time; None for whatever else it is.
    """
    if len(text) > IPV4_LENGTH_MAX:
        return None
    try:
        return IPv4Address(inet_pton(AF_INET, text))
    except (OSError, ValueError):
        return None


@lru_cache(PARSED_MAX)
def _parse(text: str) -> Address | None:
    text = text.strip().strip('"').strip()
    alone = _plain_ipv4(text)
    if alone is not None:
        return alone
    if len(text) > 64:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
