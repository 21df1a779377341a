"""
`daysalt site`: the sites that are measured.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json, print_table
from daysalt.commands.registry import open_registry
from daysalt.commands.site_script import script
from daysalt.commands.store import with_store
from daysalt.own_address import snippet
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.migrate import migrate
from warehouse.registry.sites import Site
from warehouse.settings import Settings
from warehouse.site_rows import forget_site

app = typer.Typer(
    name="site",
    help="Add, list, rename and remove sites.",
    epilog="Example: daysalt site add example.com",
    no_args_is_help=True,
)

app.command(epilog="Example: daysalt site script example.com --no-form-submissions")(script)

Domain = Annotated[str, typer.Argument(metavar="DOMAIN", help="The site's domain, such as example.com.")]


@app.command(epilog="Example: daysalt site add example.com --timezone Europe/Stockholm")
def add(
    domain: Domain,
    timezone: Annotated[str, typer.Option(help="Time zone in which the site's days begin.")] = "Etc/UTC",
    k: Annotated[int, typer.Option("--k", help="Fewest visitors a detailed row may show, 1 to 100.")] = 5,
    preset: Annotated[str | None, typer.Option(help="cnil: switches vault and risk off.", show_default=False)] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Add a site and print the script tag to paste into its pages.
    """
    settings = settings_for(data_dir)
    with open_registry(settings) as registry:
        site = registry.sites.add(domain, timezone=timezone, k=k, preset=preset)
    if as_json:
        print_json({**_facts(site), "snippet": snippet(settings, site.domain)})
        return
    note(f"Added {site.domain}. Paste this into the <head> of its pages:")
    print(snippet(settings, site.domain))


@app.command("list", epilog="Example: daysalt site list --json")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    List the sites and how they are set.
    """
    with open_registry(settings_for(data_dir)) as registry:
        sites = registry.sites.all()
    if as_json:
        print_json([_facts(site) for site in sites])
        return
    rows = [
        [site.domain, site.timezone, str(site.k), _switch(site.public), _switch(site.vault), _switch(site.risk),
         site.signals, site.preset or ""]
        for site in sites
    ]  # fmt: skip
    columns = ("domain", "time zone", "k", "public", "vault", "risk", "signals", "preset")
    print_table(columns, rows, empty="There is no site yet. Add one with `daysalt site add DOMAIN`.")


@app.command(epilog="Example: daysalt site rename old.example new.example")
def rename(
    domain: Domain,
    new_domain: Annotated[str, typer.Argument(metavar="NEW_DOMAIN", help="The domain it has from now on.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Give a site another domain; pages that still carry the old one keep counting.
    """
    with open_registry(settings_for(data_dir)) as registry:
        site = registry.sites.rename(domain, new_domain)
    if as_json:
        print_json(_facts(site))
    else:
        print(f"{site.previous_domain} is called {site.domain} now; hits under the old name keep counting.")


@app.command(epilog="Example: daysalt site remove example.com --yes")
def remove(
    domain: Domain,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Remove a site with its goals, keys and every event.
    """
    settings = settings_for(data_dir)
    with open_registry(settings) as registry:
        site = registry.sites.find(domain)
        if site is None:
            raise CommandError(f"there is no site {domain!r}: see `daysalt site list`")
        if not yes and not typer.confirm(f"Remove {site.domain} and all its events for good?", err=True):
            raise CommandError(f"{site.domain} was not removed: say yes, or give --yes")
        # Out of the registry first: from then on nothing new is collected, and a second try finds the rest.
        registry.sites.remove(site.domain)
    try:
        rows = _forget(settings, site.id)
    except Exception as error:
        raise CommandError(
            f"{site.domain} is removed and collects nothing more, but its rows (site number {site.id}) could not be "
            f"deleted yet: {error}"
        ) from error
    if as_json:
        print_json({**_facts(site), "removed_rows": rows})
    else:
        print(f"Removed {site.domain} and {rows} rows of it.")


def _forget(settings: Settings, site_id: int) -> int:
    def alone(warehouse: Warehouse) -> dict[str, object]:
        migrate(warehouse, SystemClock())
        return {"removed": forget_site(warehouse, site_id)}

    return int(with_store(settings, alone, "forget_site", site_id=site_id)["removed"])


def _facts(site: Site) -> dict[str, object]:
    facts: dict[str, object] = asdict(site)
    return facts


def _switch(on: bool) -> str:
    return "on" if on else "off"
