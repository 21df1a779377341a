"""
`daysalt key`: API keys. The text of a key is printed once, when it is made.
"""

from __future__ import annotations

from typing import Annotated

import typer

from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import day_text, note, print_json, print_table
from daysalt.commands.registry import open_registry
from warehouse.registry.api_keys import ApiKey
from warehouse.registry.database import Registry

app = typer.Typer(
    name="key",
    help="Add, list and revoke API keys.",
    epilog="Example: daysalt key add --scope stats --site example.com",
    no_args_is_help=True,
)


@app.command(epilog="Example: daysalt key add --scope stats --site example.com")
def add(
    scope: Annotated[str, typer.Option(help="What it may do: all, ingest, stats, sites, risk or privacy.")],
    site: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="The one site it is good for.", show_default="every site")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Make a key and print it, once.
    """
    with open_registry(settings_for(data_dir)) as registry:
        key, plain = registry.keys.add(scope, site=site)
        facts = _facts(registry, [key])[0]
    if as_json:
        print_json({**facts, "key": plain})
        return
    note("This key is shown once and kept only as a hash:")
    print(plain)


@app.command("list", epilog="Example: daysalt key list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    List the keys, without their secrets.
    """
    with open_registry(settings_for(data_dir)) as registry:
        keys = registry.keys.all()
        facts = _facts(registry, keys)
    if as_json:
        print_json(facts)
        return
    rows = [
        [
            key.id,
            key.scope,
            str(fact["site"] or "every site"),
            day_text(key.created_ms),
            "revoked" if key.revoked else "",
        ]
        for key, fact in zip(keys, facts, strict=True)
    ]
    print_table(
        ("id", "scope", "site", "made", "state"), rows, empty="There is no key yet. Make one with `daysalt key add`."
    )


@app.command(epilog="Example: daysalt key revoke 0a1b2c3d4e5f")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `daysalt key list` shows it.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Make a key useless for good.
    """
    with open_registry(settings_for(data_dir)) as registry:
        key = registry.keys.revoke(key_id)
        facts = _facts(registry, [key])[0]
    if as_json:
        print_json(facts)
    else:
        print(f"Revoked the key {key.id} (scope {key.scope}); running servers refuse it within 5 seconds.")


def _facts(registry: Registry, keys: list[ApiKey]) -> list[dict[str, object]]:
    domains = {site.id: site.domain for site in registry.sites.all()}
    return [
        {
            "id": key.id,
            "scope": key.scope,
            "site": None if key.site_id is None else domains.get(key.site_id),
            "created_ms": key.created_ms,
            "revoked": key.revoked,
        }
        for key in keys
    ]
