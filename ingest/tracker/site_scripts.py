"""
The scripts of single sites, `/js/pa-<id>.js`: the full build with a site's settings in it.

Held in memory by each collector and brought up to date with its sites. The same for everybody who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from ingest.tracker.scripts import Script, make_script
from warehouse.registry.tracker_scripts import TrackerScript

SCRIPTS_MAX = 500
"""Made scripts kept in memory, about 6 kB each; others are made when asked for, in under a millisecond."""
CACHE_CONTROL = "public, max-age=3600, must-revalidate"
"""Shorter than for the shared scripts: what the owner changes should reach pages within the hour."""


class SiteScripts:
    """
    The scripts of all sites, by id.
    """

    def __init__(self) -> None:
        self._sites: Mapping[str, TrackerScript] = {}

    def install(self, scripts: Iterable[TrackerScript]) -> None:
        """
        Take the sites' settings as they are now.
        """
        self._sites = {script.script_id: script for script in scripts}

    def find(self, script_id: str) -> Script | None:
        """
        Give a site's script; None when no site has this id.
        """
        site = self._sites.get(script_id)
        return None if site is None else _script(site)


@lru_cache(SCRIPTS_MAX)
def _script(site: TrackerScript) -> Script:
    return replace(make_script(site_options(site)), cache_control=CACHE_CONTROL)


def site_options(site: TrackerScript) -> dict[str, object]:
    """
    Say a site's settings as `plausible.init` would take them; what is off is left out.
    """
    switches: dict[str, object] = {
        "outboundLinks": site.outbound_links,
        "fileDownloads": site.file_downloads and ({"fileExtensions": list(site.file_types)} if site.file_types else 1),
        "formSubmissions": site.form_submissions,
        "hashBasedRouting": site.hash_routing,
    }
    named: dict[str, object] = {"data-domain": site.domain, "own": 1}
    return named | {name: 1 if value is True else value for name, value in switches.items() if value}
