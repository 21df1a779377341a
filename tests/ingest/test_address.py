"""
Whose address a request came from: headers are believed only from trusted proxies.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.address import HOPS_MAX, NO_ADDRESS, AddressTrust, client_address, parse_address

TRUST = AddressTrust(
    proxies=tuple(ip_network(text) for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8")),
    headers=("x-forwarded-for", "forwarded"),
)


def forwarded_for(text: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"example.com"), (b"x-forwarded-for", text.encode("latin-1"))]


def test_header_of_a_stranger_is_ignored() -> None:
    """A peer that is no proxy of ours cannot say who it is."""

    assert client_address("203.0.113.9", forwarded_for("198.51.100.1"), TRUST) == IPv4Address("203.0.113.9")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1%eth0", "2001:db8::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ('"198.51.100.1"', "198.51.100.1"),
        ("198.51.100.1, ", "198.51.100.1"),
        ("198.51.100.1, junk", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("10.0.0.1, 10.0.0.2", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_walk_from_the_right(value: str, expected: str) -> None:
    """The first untrusted address from the right is the client; junk or nothing left means the peer."""

    assert str(client_address("127.0.0.1", forwarded_for(value), TRUST)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ('For="[2001:db8::1]:4711";proto=https;by=10.0.0.1', "2001:db8::1"),
        ('for=6.6.6.6, proto=http;for="198.51.100.1:80", for=10.0.0.1', "198.51.100.1"),
        ("for=_hidden", "127.0.0.1"),
        ("proto=https", "127.0.0.1"),
    ],
)
def test_forwarded_header(value: str, expected: str) -> None:
    """The standard Forwarded header is read as RFC 7239 writes it."""

    assert str(client_address("127.0.0.1", [(b"forwarded", value.encode())], TRUST)) == expected


def test_first_named_header_decides() -> None:
    """With two headers there, the one named first is believed and the other is not a way around it."""
    headers = [(b"forwarded", b"for=6.6.6.6"), (b"x-forwarded-for", b"junk")]

    assert client_address("127.0.0.1", headers, TRUST) == IPv4Address("127.0.0.1")


def test_single_value_header_when_named() -> None:
    """A header such as CF-Connecting-IP counts when the settings name it, and not otherwise."""
    headers = [(b"cf-connecting-ip", b"2001:db8::7"), (b"x-forwarded-for", b"198.51.100.1")]
    named = AddressTrust(TRUST.proxies, ("cf-connecting-ip", "x-forwarded-for"))

    assert client_address("10.0.0.1", headers, named) == IPv6Address("2001:db8::7")
    assert client_address("10.0.0.1", headers, TRUST) == IPv4Address("198.51.100.1")


def test_lines_of_one_header_are_one_list() -> None:
    """Two lines of X-Forwarded-For mean the same as one with a comma."""
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"10.0.0.3")]

    assert client_address("127.0.0.1", headers, TRUST) == IPv4Address("198.51.100.1")


@pytest.mark.parametrize("peer", ["", "/run/daysalt.sock", "nonsense"])
def test_peer_without_an_address(peer: str) -> None:
    """A peer that has no address is nowhere, and no trusted proxy."""

    assert client_address(peer, forwarded_for("198.51.100.1"), TRUST) == NO_ADDRESS


def test_long_lists_are_read_from_the_right_only() -> None:
    """Of ten thousand items only the last ones are looked at."""
    value = "198.51.100.1, " + ", ".join(["10.0.0.1"] * 10_000)

    assert client_address("127.0.0.1", forwarded_for(value), TRUST) == IPv4Address("127.0.0.1")
    assert client_address(
        "127.0.0.1", forwarded_for("198.51.100.1, " + ", ".join(["10.0.0.1"] * (HOPS_MAX - 1))), TRUST
    ) == IPv4Address("198.51.100.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("198.51.100.1", "198.51.100.1"), (" ::ffff:198.51.100.1 ", "198.51.100.1"), ("x", None), ("1" * 65, None)],
)
def test_parse_address(text: str, expected: str | None) -> None:
    """One address by itself, as a batch event names it, is read the same way."""
    found = parse_address(text)

    assert (None if found is None else str(found)) == expected


@given(peer=st.text(max_size=50), values=st.lists(st.binary(max_size=200), max_size=3))
def test_never_fails(peer: str, values: list[bytes]) -> None:
    """Whatever is sent, there is an answer."""
    headers = [(b"x-forwarded-for", value) for value in values] + [(b"forwarded", value) for value in values]

    assert isinstance(client_address(peer, headers, TRUST), IPv4Address | IPv6Address)
    assert isinstance(client_address("127.0.0.1", headers, TRUST), IPv4Address | IPv6Address)
