"""
Why an address was believed, in a sentence for whoever sets up a proxy. Says which header, never what was in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.address import Address, AddressTrust, address_in, client_address


def explain_address(peer: str, headers: Sequence[tuple[bytes, bytes]], trust: AddressTrust) -> tuple[Address, str]:
    """
    Decide the address of the client as `client_address` does, and say why.
    """
    address = client_address(peer, headers, trust)
    if not trust.trusts(peer):
        return address, "the peer itself: it is no trusted proxy (DAYSALT_TRUSTED_PROXIES), so no header is believed"
    for name in trust.headers:
        values = [value for header, value in headers if header == name.encode("ascii") and value.strip()]
        if values and address_in(name, b",".join(values), trust) is None:
            return address, f"the peer itself: {name} names only trusted proxies, or ends in what is no address"
        if values:
            return address, f"{name}, sent by a trusted proxy: its last entry that is no trusted proxy"
    named = ", ".join(trust.headers) or "none"
    return address, f"the peer itself: a trusted proxy that sent no header of DAYSALT_ADDRESS_HEADERS ({named})"
