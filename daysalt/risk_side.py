"""
The collector's side of risk: the observer of its hits, the link to the windows' owner, and the door of the API.
"""

from __future__ import annotations

import asyncio
from functools import partial
from importlib.metadata import version
from typing import Any

from ingest.place import Health, PlaceReader
from ingest.risk.door import RiskDoor, RiskSite, RiskTools
from ingest.risk.link import RiskLink
from ingest.risk.network_list import NetworkReader
from ingest.risk.observer import Observer, RiskIdentities
from warehouse.clock import Clock
from warehouse.data_dir import KEEPER_SOCKET, NETWORK_FILE, OBSERVATIONS_SOCKET, RISK_SOCKET
from warehouse.local_socket import SocketAbsent, SocketRefused, call
from warehouse.registry.database import Registry
from warehouse.settings import Settings

CALL_SECONDS = 5.0


class RiskSide:
    """
    Everything of risk in one collector.
    """

    def __init__(self, settings: Settings, clock: Clock, identities: RiskIdentities, place: PlaceReader) -> None:
        self._connecting: asyncio.Task[None] | None = None
        self._drops_datacenters = False
        self._notes: dict[tuple[str, str, str], int] = {}
        self._keeper = settings.data_dir / KEEPER_SOCKET
        self.networks = NetworkReader(settings.network_db or settings.lists_dir / NETWORK_FILE, clock)
        self._link = RiskLink(settings.data_dir / OBSERVATIONS_SOCKET)
        self.observer = Observer(identities, self._link.send)
        bots = version("crawler-user-agents")

        def dates() -> dict[str, str | None]:
            geo, asn = place.built, self.networks.built
            return {"geo": geo and geo.isoformat(), "asn": asn and asn.isoformat(), "bots": bots}

        self.door = RiskDoor(
            RiskTools(
                clock=clock,
                identities=identities,
                link=self._link,
                networks=self.networks,
                call=partial(_ask, settings),
                note=self._note,
                list_dates=dates,
            )
        )

    def read(self, registry: Registry) -> None:
        """
        Take sites and keys from the registry. Blocks: call it in a thread.
        """
        sites: dict[str, RiskSite] = {}
        all_sites = registry.sites.all()
        self._drops_datacenters = any(site.datacenter == "drop" for site in all_sites)
        for site in all_sites:
            known = RiskSite(site.id, site.domain, site.risk, site.k)
            sites[site.domain] = known
            if site.previous_domain:
                sites.setdefault(site.previous_domain, known)
        self.observer.switch_off(frozenset(site.id for site in sites.values() if not site.on))
        self.door.install(registry.keys.ring(), sites)

    def start(self) -> Observer:
        """
        Connect to the owner of the windows, and stay so until the loop ends.

        Returns:
            The sink for what is seen.
        """
        self._connecting = asyncio.create_task(self._link.keep_connected())
        return self.observer

    def list_status(self) -> Health:
        """
        Tell how the network list is; only a site that drops data centres cannot do without.
        """
        state, why = self.networks.status()
        return (state if self._drops_datacenters else "ok", why)

    def counters(self) -> dict[str, float]:
        """
        Tell what was done since the start.
        """
        return {
            "daysalt_risk_lost_bytes": self._link.lost,
            "daysalt_risk_checks": self.door.checks,
            "daysalt_risk_unseen_hits": self.observer.unseen,
        }

    async def tell_asked(self) -> None:
        """
        Tell the keeper, who writes the audit log, which keys asked what since the last time; what it does not hear is
        told again.
        """
        notes, self._notes = self._notes, {}
        if not notes:
            return
        counts = [[*place, times] for place, times in notes.items()]
        try:
            await asyncio.to_thread(call, self._keeper, "risk_asked", timeout_s=CALL_SECONDS, counts=counts)
        except (SocketAbsent, SocketRefused):
            for place, times in notes.items():
                self._notes[place] = self._notes.get(place, 0) + times

    def _note(self, key_id: str, action: str, domain: str) -> None:
        place = (key_id, action, domain)
        self._notes[place] = self._notes.get(place, 0) + 1


async def _ask(settings: Settings, op: str, **arguments: Any) -> dict[str, Any]:
    return await asyncio.to_thread(call, settings.data_dir / RISK_SOCKET, op, timeout_s=CALL_SECONDS, **arguments)
