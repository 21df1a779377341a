"""
Network: what kind of network the address belongs to, by the local lists. Alone it never says "automated".
"""

from __future__ import annotations

from ingest.risk.evidence import Evidence
from ingest.risk.findings import Finding, Signal

BOGON_POINTS = 30


def hosting(evidence: Evidence) -> Finding | None:
    """
    Servers live in data centres, people seldom do; but VPNs and company gateways have their exits there too.
    """
    return Finding(20, evidence.network.organisation) if evidence.network.kind == "hosting" else None


def anonymiser_tor(evidence: Evidence) -> Finding | None:
    """
    Tor hides who sends; people use it for good reasons, so it weighs less than a data centre.
    """
    return Finding(15, "tor") if evidence.network.kind == "tor" else None


def anonymiser_vpn(evidence: Evidence) -> Finding | None:
    """
    A VPN is ordinary privacy; a few points, because automated traffic rents them too.
    """
    return Finding(8, evidence.network.organisation) if evidence.network.kind == "vpn" else None


def unroutable(evidence: Evidence) -> Finding | None:
    """
    No stranger's packets come from private, reserved or documentation addresses: a proxy is set up wrongly, or a
    header is forged.
    """
    return Finding(BOGON_POINTS, evidence.network.unroutable) if evidence.network.unroutable else None


SIGNALS = (
    Signal("NET_HOSTING", "network", 20, hosting),
    Signal("NET_TOR", "network", 15, anonymiser_tor),
    Signal("NET_VPN", "network", 8, anonymiser_vpn),
    Signal("BOGON", "network", BOGON_POINTS, unroutable),
)
