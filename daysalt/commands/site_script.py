"""
`daysalt site script`: a site's own tracking script, its tag and what it counts by itself.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json
from daysalt.commands.registry import open_registry
from daysalt.own_address import base_url
from warehouse.registry.tracker_scripts import TrackerScript, TrackerScriptSettings

Switch = bool | None


def script(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The site's domain, such as example.com.")],
    outbound_links: Annotated[Switch, typer.Option(help="Count clicks on links to other sites.")] = None,
    file_downloads: Annotated[Switch, typer.Option(help="Count clicks on files.")] = None,
    file_types: Annotated[
        str | None, typer.Option(help="Endings of files, with commas; empty for the usual ones.", show_default=False)
    ] = None,
    form_submissions: Annotated[Switch, typer.Option(help="Count forms that are sent.")] = None,
    hash_routing: Annotated[Switch, typer.Option(help="What stands behind # is part of the page.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Print the tag of a site's own script, and change what the script counts by itself.
    """
    changes: TrackerScriptSettings = {}
    if outbound_links is not None:
        changes["outbound_links"] = outbound_links
    if file_downloads is not None:
        changes["file_downloads"] = file_downloads
    if file_types is not None:
        changes["file_types"] = file_types.replace(",", " ").split()
    if form_submissions is not None:
        changes["form_submissions"] = form_submissions
    if hash_routing is not None:
        changes["hash_routing"] = hash_routing
    settings = settings_for(data_dir)
    with open_registry(settings) as registry:
        site = registry.sites.find(domain)
        if site is None:
            raise CommandError(f"there is no site {domain!r}: see `daysalt site list`")
        found = registry.tracker_scripts.of(site.id)
        if changes:
            found = registry.tracker_scripts.change(site.id, **changes)
    tag = f'<script defer src="{base_url(settings)}/js/pa-{found.script_id}.js"></script>'
    if as_json:
        print_json({**asdict(found), "snippet": tag})
        return
    note(_sentence(found))
    print(tag)


def _sentence(found: TrackerScript) -> str:
    files = f"files ({', '.join(found.file_types)})" if found.file_types else "files"
    parts = (
        (found.outbound_links, "links to other sites"),
        (found.file_downloads, files),
        (found.form_submissions, "forms"),
    )
    counted = [words for on, words in parts if on]
    routed = " Pages are told apart by what stands behind #." if found.hash_routing else ""
    return (
        f"Beside pageviews, the script of {found.domain} counts: {', '.join(counted) or 'nothing by itself'}.{routed}"
    )
