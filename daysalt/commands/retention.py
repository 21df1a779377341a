"""
`daysalt retention`: destroying what is due, and the proofs of it.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from daysalt.commands.failures import CommandError
from daysalt.commands.keeper import with_keeper
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import note, print_json, print_table
from daysalt.commands.store import with_store
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.migrate import migrate
from warehouse.privacy.proofs import (
    CHAIN_BYTES_MAX,
    CHAIN_FILE,
    DAY,
    FORMAT,
    PROOFS_DIR,
    ProofError,
    parse_chain,
    read_chain,
    verify_chain,
)
from warehouse.privacy.register import load_register
from warehouse.settings import Settings

FETCH_SECONDS_MAX = 60

app = typer.Typer(
    name="retention",
    help="Destroy what is due, and show the proofs of it.",
    epilog="Example: daysalt retention status",
    no_args_is_help=True,
)


@app.command(epilog="Example: daysalt retention run")
def run(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Destroy whatever is due now; after a leap of the clock this confirms it. The server does the same by itself.
    """
    settings = settings_for(data_dir)
    report = with_keeper(settings, _run_alone, "retention_run")
    if as_json:
        print_json(report)
    else:
        print(
            f"Destroyed the keys of {len(report['destroyed'])} days and proved {len(report['proved'])}; "
            f"deleted {report['events_deleted']} event rows and {report['files_deleted']} quarantined files."
        )
        if report["waiting"]:
            note(f"Not all is done: {report['waiting']}.")
    if report["waiting"]:
        raise typer.Exit(1)


@app.command(epilog="Example: daysalt retention status --json")
def status(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Say how far retention is; exit code 1 when it is behind or paused.
    """
    facts = with_keeper(settings_for(data_dir), _status_alone, "retention_status")
    if as_json:
        print_json(facts)
    else:
        rows = [[name.replace("_", " "), _text(value)] for name, value in facts.items()]
        print_table(("what", "value"), rows, empty="")
    if facts["trouble"]:
        raise typer.Exit(1)


@app.command(epilog="Example: daysalt retention prove --out proofs.json")
def prove(
    out: Annotated[
        Path | None, typer.Option(help="File to write the chain to, for `verify` on another machine.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Show the signed proofs, or write the whole chain of them into a file that anybody can verify.
    """
    settings = settings_for(data_dir)
    path = settings.data_dir / PROOFS_DIR / CHAIN_FILE
    chain = read_chain(path)
    if not chain:
        raise CommandError(f"there is no proof in {path} yet: the first start begins the chain")
    document = {"format": FORMAT, "records": [signed.table() for signed in chain]}
    if out is not None:
        import json

        with out.open("x", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
        note(f"Wrote {len(chain)} records to {out}; `daysalt retention verify {out}` checks them anywhere.")
    elif as_json:
        print_json(document)
    else:
        rows = [
            [
                str(signed.record["seq"]),
                signed.kind,
                str(signed.record.get("purpose", "vault" if signed.kind == DAY else "")),
                str(signed.record.get("day", "")),
                str(len(signed.record.get("keys", ()))),
                signed.hash[:16],
            ]
            for signed in chain
        ]
        print_table(("number", "kind", "purpose", "day", "keys", "hash"), rows, empty="")


@app.command(epilog="Example: daysalt retention verify https://stats.example.com/privacy/example.com/retention-proof")
def verify(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|URL]", help="A chain of proofs; this installation's own when left out."),
    ] = None,
    head: Annotated[
        str | None, typer.Option(metavar="HASH", help="A head noted earlier: the chain must still contain it.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Check a chain of proofs with nothing but its file: signatures, order, and that no day is missing or twice.
    """
    if source is None:
        content = _own_chain(settings_for(data_dir))
    elif source.startswith(("https://", "http://")):
        content = _fetched(source)
    else:
        content = Path(source).read_bytes()
    try:
        chain = parse_chain(content)
        found = verify_chain(chain)
        if head is not None and head not in {signed.hash for signed in chain}:
            raise ProofError("the head noted earlier is not in this chain: it was cut off or begun anew")
    except ProofError as error:
        raise CommandError(f"the chain does not hold: {error}") from None
    if as_json:
        print_json({"valid": True, **asdict(found)})
        return
    days = f"{found.days} days of addresses ({found.first_day} to {found.last_day})" if found.days else "no day yet"
    print(f"The chain holds: {found.records} records, {found.keys} keys destroyed, {days}.")
    print(f"signing key  {found.fingerprint}\nhead         {found.head}")
    if found.late:
        note(f"{len(found.late)} days were destroyed more than a day late, the first one {found.late[0]}.")


@app.command(epilog="Example: daysalt retention record --json")
def record(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Write the record of processing (art. 30 GDPR) from the live schema: every column, its purpose, basis and period.
    """
    from daysalt.record import live_columns, processing_record

    settings = settings_for(data_dir)

    def alone(warehouse: Warehouse) -> dict[str, Any]:
        migrate(warehouse, SystemClock())
        return {"columns": live_columns(warehouse)}

    columns = with_store(settings, alone, "columns")["columns"]
    rows = processing_record(columns, load_register(settings.data_dir), settings, datetime.now(UTC).date())
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        ("table", "columns", "class", "purpose", "basis", "period", "kept", "readers"),
        [
            [
                row.table, ", ".join(row.columns), row.data_class, row.purpose, row.legal_basis, row.period,
                "; ".join(row.kept), "; ".join(row.readers),
            ]
            for row in rows
        ],
        empty="",
    )  # fmt: skip


def _run_alone(settings: Settings) -> dict[str, Any]:
    from daysalt.alone import retention_alone

    with retention_alone(settings) as alone:
        return asdict(alone.run())


def _status_alone(settings: Settings) -> dict[str, Any]:
    from daysalt.alone import retention_alone

    with retention_alone(settings) as alone:
        return alone.part.status()


def _own_chain(settings: Settings) -> bytes:
    path = settings.data_dir / PROOFS_DIR / CHAIN_FILE
    if not path.exists():
        raise CommandError(f"there is no proof in {path} yet: the first start begins the chain")
    return path.read_bytes()


def _fetched(url: str) -> bytes:
    import httpx

    try:
        answer = httpx.get(
            url, timeout=FETCH_SECONDS_MAX, follow_redirects=True, headers={"Accept": "application/json"}
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"{url} cannot be fetched ({type(error).__name__}): check the address") from None
    if not answer.is_success:
        raise CommandError(f"{url} answers {answer.status_code}: check the address")
    if len(answer.content) > CHAIN_BYTES_MAX:
        raise CommandError(f"{url} gives more than {CHAIN_BYTES_MAX} bytes: that is no chain of proofs")
    return answer.content


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # a list of JSON
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None or value == "" else str(value)
