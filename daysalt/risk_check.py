"""
One risk check from the command line: with a running server against its windows, without one from the lists alone.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import msgspec

from ingest.address import parse_address
from ingest.keys.day_keys import day_keys
from ingest.objections import Objections
from ingest.place import PlaceReader
from ingest.risk.network_list import NetworkReader
from ingest.risk.observer import identify
from ingest.risk.owner import Owner
from ingest.risk.question import Question
from ingest.risk_id import RiskIds
from warehouse.clock import SystemClock
from warehouse.data_dir import KEEPER_SOCKET, NETWORK_FILE, RISK_SOCKET
from warehouse.local_socket import SocketAbsent, call
from warehouse.registry.database import Registry
from warehouse.registry.errors import RegistryError
from warehouse.settings import Settings

NO_SERVER_ADDRESSES = 1
CALL_SECONDS = 5.0


class RiskCheckError(Exception):
    """
    An address that cannot be assessed. The text is one sentence that says what to do.
    """


def check_address(settings: Settings, ip: str, domain: str | None) -> dict[str, Any]:
    """
    Assess an address.

    Returns:
        The answer, as the API gives it.

    Raises:
        RiskCheckError: it is no address.
        RegistryError: there is no such site.
    """
    address = parse_address(ip)
    if address is None:
        # What was typed is not repeated: it may be half an address.
        raise RiskCheckError("this is not an IP address: write it as 203.0.113.7 or 2001:db8::7")
    clock = SystemClock()
    site_id, refused = 0, ""
    if domain is not None:
        registry = Registry(settings.registry_url, clock)
        site = registry.sites.find(domain)
        registry.close()
        if site is None:
            raise RegistryError(f"there is no site {domain[:253]!r}: see `daysalt site list`")
        site_id, refused = site.id, "" if site.risk else "SITE_OFF"
    networks = NetworkReader(settings.network_db or settings.lists_dir / NETWORK_FILE, clock)
    facts = networks.read(address)
    geo = PlaceReader(settings.geo_db or settings.lists_dir / "country.mmdb", clock).built
    question = Question(
        rid=bytes(16),
        network_id=0,
        subject="ip",
        site_id=site_id,
        data={
            "geo": geo and geo.isoformat(),
            "asn": networks.built and networks.built.isoformat(),
            "bots": version("crawler-user-agents"),
        },
        known=facts.known,
        kind=facts.kind,
        asn=facts.asn,
        organisation=facts.organisation,
        country=facts.country,
        unroutable=facts.unroutable,
        refused=refused,
    )
    try:
        keys = call(settings.data_dir / KEEPER_SOCKET, "salts", timeout_s=CALL_SECONDS, timezones=[])["risk_keys"]
    except SocketAbsent:
        # Windows live in the server's memory only.
        return json.loads(Owner(clock, NO_SERVER_ADDRESSES).check(question))
    ids = RiskIds()
    ids.install(day_keys(keys))
    objected = call(settings.data_dir / KEEPER_SOCKET, "objections", timeout_s=CALL_SECONDS)
    objections = Objections(bytes.fromhex(objected["key"]), map(bytes.fromhex, objected["hashes"]))
    refused = refused or ("RESTRICTED" if objections.holds(address) else "")
    known = identify(ids, address.packed, clock.now_ms())
    if known is None:
        raise RiskCheckError("the server has no risk key of the day yet: try again in a few seconds")
    asked = msgspec.structs.asdict(
        msgspec.structs.replace(question, rid=known[0], network_id=known[1], refused=refused)
    )
    answer = call(
        settings.data_dir / RISK_SOCKET, "check", timeout_s=CALL_SECONDS, question={**asked, "rid": known[0].hex()}
    )
    return json.loads(answer["answer"])
