"""
Hop 3, shields: a site owner's rules about which hits not to count. Pure; compiled once per change of a site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from ingest.hit import DropReason

Address = IPv4Address | IPv6Address
Wildcard = tuple[str, ...]
"""A rule cut at its stars: the first piece begins the text, the last ends it, the others lie between in order."""
UNKNOWN_COUNTRY = "ZZ"
"""How a rule names the country of an address whose country is not known."""


@dataclass(frozen=True, slots=True)
class Shields:
    """
    Compiled rules of one site. An empty hostname list allows every hostname.
    """

    addresses: frozenset[Address] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    countries: frozenset[str] = frozenset()
    pages: tuple[Wildcard, ...] = ()
    hostnames: tuple[Wildcard, ...] = ()


NO_SHIELDS = Shields()


def compile_shields(
    *, ip: Iterable[str] = (), country: Iterable[str] = (), page: Iterable[str] = (), hostname: Iterable[str] = ()
) -> Shields:
    """
    Compile a site's rules.

    Args:
        ip: addresses and networks (CIDR).
        country: ISO 3166-1 alpha-2 codes, `ZZ` for unknown.
        page: paths, `*` and `**` stand for any text, slashes included; matched in full.
        hostname: allowed hostnames, with the same wildcards.

    Raises:
        ValueError: an address or network that is none; the text names it.
    """
    addresses: set[Address] = set()
    networks: list[IPv4Network | IPv6Network] = []
    for rule in ip:
        try:
            network = ip_network(rule.strip(), strict=False)
        except ValueError:
            raise ValueError(f"{rule!r} is no address and no network such as 192.0.2.0/24") from None
        if network.prefixlen == network.max_prefixlen:
            addresses.add(network.network_address)
        else:
            networks.append(network)
    return Shields(
        addresses=frozenset(addresses),
        networks=tuple(networks),
        countries=frozenset(code.strip().upper() for code in country),
        pages=_wildcards(page),
        hostnames=_wildcards(rule.lower() for rule in hostname),
    )


def screen_page(shields: Shields, hostname: str, pathname: str, address: Address) -> DropReason | None:
    """
    Apply the rules that need no place: hostname, page, address, in this order.
    """
    if shields.hostnames and not _fits_any(hostname, shields.hostnames):
        return DropReason.HOSTNAME_NOT_ALLOWED
    if shields.pages and _fits_any(pathname, shields.pages):
        return DropReason.PAGE_BLOCKED
    if shields.addresses and address in shields.addresses:
        return DropReason.IP_BLOCKED
    if any(address in network for network in shields.networks):
        return DropReason.IP_BLOCKED
    return None


def screen_country(shields: Shields, country: str) -> DropReason | None:
    """
    Apply the country rules.

    Args:
        country: ISO 3166-1 alpha-2, empty when not known.
    """
    if shields.countries and (country or UNKNOWN_COUNTRY) in shields.countries:
        return DropReason.COUNTRY_BLOCKED
    return None


def _wildcards(rules: Iterable[str]) -> tuple[Wildcard, ...]:
    return tuple(tuple(re.split(r"\*+", rule.strip())) for rule in rules if rule.strip())


def _fits_any(text: str, rules: tuple[Wildcard, ...]) -> bool:
    return any(_fits(text, pieces) for pieces in rules)


def _fits(text: str, pieces: Wildcard) -> bool:
    """
    Match a text in full, the first place each piece is found being as good as any.

    TRICKY: not a regular expression. `*a*a*a*a*a*` as one takes a power of the text's length when it does not match,
    and both the rule and the path come from outside; this takes rule times text at most.
    """
    if len(pieces) == 1:
        return text == pieces[0]
    first, last = pieces[0], pieces[-1]
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
