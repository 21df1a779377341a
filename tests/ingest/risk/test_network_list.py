"""
Addresses that no stranger can have.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from random import Random

import pytest

from ingest.risk.network_list import unroutable_kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", ""), ("10.1.2.3", "private"), ("127.0.0.1", "local"), ("169.254.1.1", "local"),
        ("192.0.2.1", "private"), ("198.51.100.7", "private"), ("224.0.0.1", "reserved"), ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"), ("2a00::1", ""), ("2001:db8::1", "private"), ("::1", "local"),
        ("fe80::1", "local"), ("fc00::1", "private"), ("ff02::1", "reserved"),
    ],
)  # fmt: skip
def test_special_addresses_are_known(address: str, kind: str) -> None:
    """
    IANA's special ranges are told apart, everything else is routable.
    """
    assert kind == unroutable_kind(ip_address(address))


def test_the_short_way_says_what_python_says() -> None:
    """
    Who is called routable without being looked at closely is global for Python, too: first and last address of every
    first part, one in every block of those with few special ones, and many at random.
    """
    rng = Random(7)
    addresses: list[IPv4Address | IPv6Address] = []
    for part in range(256):
        addresses += [IPv4Address(part << 24), IPv4Address((part + 1 << 24) - 1)]
        addresses += [IPv4Address(part << 24 | rng.getrandbits(24)) for _ in range(4)]
    for part in (192, 198, 203):
        addresses += [IPv4Address(part << 24 | block << 8 | rng.getrandbits(8)) for block in range(65536)]
    for part in range(0, 65536, 16):
        addresses += [IPv6Address(part << 112), IPv6Address((part + 1 << 112) - 1)]
        addresses.append(IPv6Address(part << 112 | rng.getrandbits(112)))
    wrong = [address for address in addresses if not unroutable_kind(address) and not address.is_global]
    assert [] == wrong
