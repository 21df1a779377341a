"""
`daysalt data`: the lists that say which country and network an address is in, and which user agents are robots.
"""

from __future__ import annotations

from dataclasses import asdict

import typer

from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import print_json, print_table, working
from warehouse.data_dir import make_data_dir

app = typer.Typer(
    name="data", help="Fetch country and network lists.", epilog="Example: daysalt data fetch", no_args_is_help=True
)


@app.callback()
def data() -> None:
    """
    Fetch country and network lists.
    """


@app.command(epilog="Example: daysalt data fetch")
def fetch(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Fetch the country and network lists into the data directory. Nothing is ever fetched while a request waits.
    """
    settings = settings_for(data_dir)
    from ingest.lists import fetch_lists
    from ingest.network_lists import fetch_networks

    make_data_dir(settings.data_dir)
    with working("Fetching lists", quiet=as_json) as report:
        lists = [*fetch_lists(settings.lists_dir, report), *fetch_networks(settings.lists_dir, report)]
    fetched = [asdict(item) for item in lists]
    if as_json:
        print_json(fetched)
        return
    columns = tuple(fetched[0]) if fetched else ()
    print_table(columns, [[str(row[column]) for column in columns] for row in fetched], empty="Nothing was fetched.")
