"""
`daysalt data`: the lists that say which country and network an address is in, what the places visits come from are
called, and which user agents are robots.
"""

from __future__ import annotations

from dataclasses import asdict

import typer

from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import print_json, print_table, working
from warehouse.data_dir import make_data_dir

app = typer.Typer(
    name="data",
    help="Fetch lists of countries, networks, sources and robots.",
    epilog="Example: daysalt data fetch",
    no_args_is_help=True,
)


@app.callback()
def data() -> None:
    """
    Fetch lists of countries, networks, sources and robots.
    """


@app.command(epilog="Example: daysalt data fetch")
def fetch(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Fetch lists of countries, networks, sources and robots into the data directory; running collectors take them.
    """
    settings = settings_for(data_dir)
    from ingest.lists import fetch_lists
    from ingest.network_lists import fetch_networks
    from ingest.word_lists import fetch_words

    make_data_dir(settings.data_dir)
    with working("Fetching lists", quiet=as_json) as report:
        lists = [
            one
            for fetch_some in (fetch_lists, fetch_words, fetch_networks)
            for one in fetch_some(settings.lists_dir, report)
        ]
    fetched = [asdict(item) for item in lists]
    if as_json:
        print_json(fetched)
        return
    columns = tuple(fetched[0]) if fetched else ()
    print_table(columns, [[str(row[column]) for column in columns] for row in fetched], empty="Nothing was fetched.")
