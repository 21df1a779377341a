"""
From a site in the registry to the rules a collector follows.
"""

from __future__ import annotations

from ingest.enrich import SiteRules
from ingest.shields import compile_shields
from warehouse.registry.sites import Site


def site_rules(site: Site) -> SiteRules:
    """
    Compile what of a site's settings the collector acts on.
    """
    shields = site.shields
    return SiteRules(
        id=site.id,
        domain=site.domain,
        timezone=site.timezone,
        signals="drop" if site.signals == "drop" else "count",
        datacenter="drop" if site.datacenter == "drop" else "keep",
        shields=compile_shields(ip=shields.ip, country=shields.country, page=shields.page, hostname=shields.hostname),
        vault=site.vault,
        risk=site.risk,
    )
