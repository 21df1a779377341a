"""
One risk check for a person: what the local lists say of an address, and the answer with or without a running server.

The windows and their arrays are imported only where they are needed: the keeper, which asks for them, has none.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from ingest.address import parse_address
from ingest.place import PlaceReader
from ingest.risk.network_list import NetworkReader
from ingest.risk.question import Question
from warehouse.clock import Clock, SystemClock
from warehouse.data_dir import KEEPER_SOCKET, NETWORK_FILE
from warehouse.local_socket import SocketAbsent, call
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.registry.sites import Site
from warehouse.settings import Settings

NO_SERVER_ADDRESSES = 1
CALL_SECONDS = 10.0


class RiskCheckError(Exception):
    """
    An address that cannot be assessed. The text is one sentence that says what to do.
    """


class Lists:
    """
    The country and network lists of one installation, opened again when they are replaced.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._networks = NetworkReader(settings.network_db or settings.lists_dir / NETWORK_FILE, clock)
        self._place = PlaceReader(settings.geo_db or settings.lists_dir / "country.mmdb", clock)

    def question(self, address: IPv4Address | IPv6Address, site: Site | None) -> Question:
        """
        Put down what the lists say of an address. The risk id is left out: who has the key adds it.
        """
        facts = self._networks.read(address)
        geo, asn = self._place.built, self._networks.built
        return Question(
            rid=bytes(16),
            network_id=0,
            subject="ip",
            site_id=0 if site is None else site.id,
            data={
                "geo": geo and geo.isoformat(),
                "asn": asn and asn.isoformat(),
                "bots": version("crawler-user-agents"),
            },
            known=facts.known,
            kind=facts.kind,
            asn=facts.asn,
            organisation=facts.organisation,
            country=facts.country,
            unroutable=facts.unroutable,
            refused="SITE_OFF" if site is not None and not site.risk else "",
        )


def checked_address(text: str) -> IPv4Address | IPv6Address:
    """
    Read what somebody typed.

    Raises:
        RiskCheckError: it is no address.
    """
    address = parse_address(text.strip())
    if address is None:
        # What was typed is not repeated: it may be half an address.
        raise RiskCheckError("this is not an IP address: write it as 203.0.113.7 or 2001:db8::7")
    return address


def asked_site(settings: Settings, clock: Clock, domain: str | None) -> Site | None:
    """
    Find the site a check is about; None for none.

    Raises:
        RegistryError: there is no such site.
    """
    if domain is None:
        return None
    registry = Registry(settings.registry_url, clock)
    try:
        site = registry.sites.find(domain)
    finally:
        registry.close()
    if site is None:
        raise RegistryError(f"there is no site {domain[:253]!r}: see `daysalt site list`")
    return site


def check_address(settings: Settings, ip: str, domain: str | None) -> dict[str, Any]:
    """
    Assess an address: by a running server with what it saw today, else from the lists alone.

    Returns:
        The answer, as the API gives it.

    Raises:
        RiskCheckError: it is no address.
        RegistryError: there is no such site.
        SocketRefused: the server says no, and why.
    """
    clock = SystemClock()
    address, site = checked_address(ip), asked_site(settings, clock, domain)
    try:
        return call(
            settings.data_dir / KEEPER_SOCKET, "risk_check", timeout_s=CALL_SECONDS, address=ip, site=domain or ""
        )
    except SocketAbsent:
        # Windows live in the server's memory only, so nothing is known and nobody's data is looked at.
        from ingest.risk.owner import Owner

        question = Lists(settings, clock).question(address, site)
        return json.loads(Owner(clock, NO_SERVER_ADDRESSES).check(question))
