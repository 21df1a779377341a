"""
`daysalt import`: history from files. What it does is `daysalt.imports`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json, print_table, progress_bar
from daysalt.commands.registry import open_registry
from warehouse.clock import SystemClock
from warehouse.registry.sites import Site
from warehouse.settings import Settings

REJECTED_SHOWN = 10


def register(app: typer.Typer) -> None:
    """
    Add the command to the command line.
    """
    app.command("import", epilog="Example: daysalt import example.com /var/log/nginx/access.log.1.gz")(import_)


def import_(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The site's domain, such as example.com.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="NDJSON or an access log (common, combined, JSON lines), gzip too, or the ZIP of Plausible's CSV"
            " export; - is standard input.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="ndjson, log or csv.", show_default="the file tells")] = "",
    listed: Annotated[bool, typer.Option("--list", help="List what was imported into the site.")] = False,
    remove: Annotated[
        str, typer.Option("--remove", metavar="ID", help="Take an import out again.", show_default=False)
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before removing.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Bring history into a site. The same file counts once, and one that grew continues where it ended.
    """
    if (file is not None) + listed + bool(remove) != 1:
        raise typer.BadParameter("name a FILE, or give --list, or --remove ID")
    settings = settings_for(data_dir)
    with open_registry(settings) as registry:
        site = registry.sites.find(domain)
    if site is None:
        raise CommandError(f"there is no site {domain!r}: add it with `daysalt site add {domain}`")
    if listed:
        _list(settings, site, as_json=as_json)
    elif remove:
        _remove(settings, site, remove, yes=yes, as_json=as_json)
    else:
        assert file is not None
        _import(settings, site, file, kind, as_json=as_json)


def _import(settings: Settings, site: Site, file: Path, kind: str, *, as_json: bool) -> None:
    from daysalt.imports import STDIN, import_file
    from ingest.imports.kinds import KINDS

    if kind and kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is no format: use one of {', '.join(KINDS)}", param_hint="--format")
    if file != STDIN and not file.is_file():
        raise CommandError(f"{file} is not a file that can be read: check the path")
    with progress_bar(quiet=as_json) as report:
        answer = import_file(settings, SystemClock(), site, file, kind, report)
    if as_json:
        print_json(answer)
    else:
        _tell(site, answer)
    if answer["rejected"] and not (answer["imported"] or answer["repeated"]):
        raise typer.Exit(1)


def _tell(site: Site, answer: dict[str, Any]) -> None:
    days = f" from {answer['first_day']} to {answer['last_day']}" if answer["imported"] else ""
    what = "lines of daily totals" if answer["format"] == "csv" else "events"
    print(f"{site.domain}: {answer['imported']:,} {what} imported{days}.")
    if answer["repeated"]:
        note(f"{answer['repeated']:,} {what} were there before, from an earlier import of this file.")
    if answer["left_out"]:
        note("Left out: " + ", ".join(f"{count:,} {reason}" for reason, count in answer["left_out"].items()) + ".")
    rejected = answer.get("rejected_count", len(answer["rejected"]))
    for one in answer["rejected"][:REJECTED_SHOWN]:
        note(f"{one['file']} " * ("file" in one) + f"line {one['line']}: {one['error']}")
    if rejected > REJECTED_SHOWN:
        note(f"{rejected - REJECTED_SHOWN:,} more lines were rejected; --json lists them.")
    if rejected and answer["format"] == "csv":
        note("Nothing was imported: an export is taken whole or not at all. Correct these lines and import it again.")


def _list(settings: Settings, site: Site, *, as_json: bool) -> None:
    from daysalt.imports import imports_of

    rows = imports_of(settings, SystemClock(), site.id)
    if as_json:
        from dashboard.api.imports import import_facts

        print_json([import_facts(row) for row in rows])
        return
    print_table(
        ("id", "stored", "format", "file", "events", "rejected", "from", "to"),
        [
            [row.id, row.stored.strftime("%Y-%m-%d %H:%M UTC"), row.format, row.label, str(row.events),
             str(row.rejected), row.first_day.isoformat(), row.last_day.isoformat()]
            for row in rows
        ],
        empty=f"Nothing was imported into {site.domain} yet.",
    )  # fmt: skip


def _remove(settings: Settings, site: Site, text: str, *, yes: bool, as_json: bool) -> None:
    from daysalt.imports import remove_import

    if not yes and not typer.confirm(f"Remove import {text} and all its events from {site.domain}?", err=True):
        raise CommandError(f"import {text} was not removed: say yes, or give --yes")
    answer = remove_import(settings, SystemClock(), site.id, text)
    if as_json:
        print_json(answer)
    else:
        print(f"Removed import {answer['id']} and {answer['events']:,} events of it from {site.domain}.")
