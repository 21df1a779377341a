"""
`daysalt dsar`: requests of people about their data, from the letter to the answer.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from daysalt.commands.desk import BROKEN, As, ask_desk, person
from daysalt.commands.failures import CommandError
from daysalt.commands.keeper import with_keeper
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import day_text, note, print_json, print_table
from daysalt.commands.registry import open_registry
from daysalt.dsar import ALARM_DAYS, Case, Cases
from daysalt.dsar import extract as made_extract
from warehouse.clock import SystemClock
from warehouse.data_dir import make_data_dir
from warehouse.privacy.register import load_register
from warehouse.settings import Settings

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's number, as `open` printed it.")]
Address = Annotated[str, typer.Argument(metavar="IP", help="The address the request is about; it is not kept.")]

app = typer.Typer(
    name="dsar",
    help="Answer what people ask about their data: a case from the letter to the reply.",
    epilog="Example: daysalt dsar open --kind access --channel letter",
    no_args_is_help=True,
)


@app.command("open", epilog="Example: daysalt dsar open --kind access --channel letter")
def open_(
    kind: Annotated[str, typer.Option(help="access, rectification, erasure, restriction, portability or objection.")],
    channel: Annotated[str, typer.Option(help="How it came: letter, e-mail, phone.")] = "letter",
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Begin a case; it must be answered within a month.
    """
    settings = settings_for(data_dir)
    make_data_dir(settings.data_dir)
    case = Cases(settings.data_dir, SystemClock()).open(kind, channel)
    _show(case, as_json, f"Opened {case.id}; answer it by {case.due}.")


@app.command("list", epilog="Example: daysalt dsar list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    List the cases; exit code 1 when one is late or nearly so.
    """
    cases = Cases(settings_for(data_dir).data_dir, SystemClock())
    found = cases.all()
    if as_json:
        print_json([_facts(case) for case in found])
    else:
        rows = [[case.id, case.kind, case.due, "closed" if case.closed_ms else "open"] for case in found]
        print_table(("case", "kind", "due", "state"), rows, empty="There is no case.")
    near = [case.id for case in found if not case.closed_ms and cases.days_left(case) <= ALARM_DAYS]
    if near:
        note(f"Must be answered within {ALARM_DAYS} days: {', '.join(near)}.")
        raise typer.Exit(1)


@app.command(epilog="Example: daysalt dsar extract dsar-2026-0001 192.0.2.1 --out extract.json")
def extract(
    case_id: CaseId,
    address: Address,
    out: Annotated[Path | None, typer.Option(help="File to write the extract to.")] = None,
    who: As = None,
    data_dir: DataDir = None,
) -> None:
    """
    Write what is known of an address, with everything art. 15 asks for. Reading the vault follows its own rules.
    """
    settings = settings_for(data_dir)
    cases = Cases(settings.data_dir, SystemClock())
    case = cases.living(case_id)
    fields = {"address": address, "purpose": "dsar", "ticket": case.id, "site": "", "who": person(who)}
    answer = ask_desk(settings, "vault_lookup", fields)
    seen: list[dict[str, Any]] = answer["days"]
    if answer["break_glass"]:
        note(BROKEN)
    with open_registry(settings) as registry:
        sites = registry.sites.all()
    document = made_extract(
        case,
        seen,
        answer["disclosed"],
        register=load_register(settings.data_dir),
        sites=sites,
        settings=settings,
        day=datetime.now(UTC).date(),
    )
    cases.note(case.id, "extract", len(seen))
    if out is None:
        print_json(document)
        return
    with out.open("x", encoding="utf-8") as file:
        out.chmod(0o600)
        file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    print(f"Wrote {out}; close the case with the reply you send.")


@app.command(epilog="Example: daysalt dsar erase dsar-2026-0001 192.0.2.1")
def erase(case_id: CaseId, address: Address, as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Erase an address on every day it is kept; what a hold has stays with the hold.
    """
    settings = settings_for(data_dir)
    cases = Cases(settings.data_dir, SystemClock())
    ticket = cases.living(case_id).id
    fields = {"address": address, "ticket": ticket, "actor": "command line"}
    answer = ask_desk(settings, "vault_erase_address", fields)
    rows: int = answer["rows"]
    case = cases.note(ticket, "erase", rows)
    _tell_notices(answer["notices"])
    _show(case, as_json, f"Erased {rows} rows of the vault.")


@app.command(epilog="Example: daysalt dsar restrict dsar-2026-0001 192.0.2.1")
def restrict(case_id: CaseId, address: Address, as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Mark an address as restricted: from now on its hits are counted without any id and its address is not kept.
    """
    _mark(case_id, address, "restricted", as_json, data_dir)


@app.command("object", epilog="Example: daysalt dsar object dsar-2026-0001 192.0.2.1")
def object_(case_id: CaseId, address: Address, as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Respect an objection: from now on the address's hits are counted without any id and it is not kept.
    """
    _mark(case_id, address, "objected", as_json, data_dir)


@app.command(epilog="Example: daysalt dsar close dsar-2026-0001 --reply reply.txt")
def close(
    case_id: CaseId,
    reply: Annotated[Path, typer.Option(metavar="FILE", help="The answer that was sent; only its hash is kept.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Close a case with the reply that was sent.
    """
    case = Cases(settings_for(data_dir).data_dir, SystemClock()).close(case_id, reply.read_bytes())
    _show(case, as_json, f"Closed {case.id}.")


@app.command(epilog="Example: daysalt dsar notices")
def notices(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    List whom to tell of erasures and restrictions; exit code 1 while somebody was not told yet.
    """
    found: list[dict[str, Any]] = ask_desk(settings_for(data_dir), "vault_notices", {})["notices"]
    if as_json:
        print_json(found)
    else:
        rows = [
            [row["id"], row["recipient"], row["what"], row["case"], ", ".join(row["tickets"]),
             day_text(row["told_ms"]) if row["told_ms"] else "not yet"]
            for row in found
        ]  # fmt: skip
        columns = ("id", "recipient", "what", "case", "handed out as", "told")
        print_table(columns, rows, empty="Nobody has to be told of anything.")
    if any(not row["told_ms"] for row in found):
        raise typer.Exit(1)


@app.command(epilog="Example: daysalt dsar told 0a1b2c3d")
def told(
    notice_id: Annotated[str, typer.Argument(metavar="ID", help="The notice, as `daysalt dsar notices` shows it.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Note that a recipient was told.
    """
    notice: dict[str, Any] = ask_desk(settings_for(data_dir), "vault_notice_told", {"notice": notice_id})["notice"]
    if as_json:
        print_json(notice)
    else:
        print(f"Noted: {notice['recipient']} was told of the {notice['what']}.")


def _tell_notices(found: list[dict[str, Any]]) -> None:
    for row in found:
        note(
            f"{row['recipient']} was given this address ({', '.join(row['tickets'])}): tell them of the {row['what']}, "
            f"then run `daysalt dsar told {row['id']}`."
        )


def _mark(case_id: str, address: str, kind: str, as_json: bool, data_dir: Path | None) -> None:
    settings = settings_for(data_dir)
    cases = Cases(settings.data_dir, SystemClock())
    ticket = cases.living(case_id).id

    def alone(settings: Settings) -> dict[str, Any]:
        from daysalt.alone import retention_alone
        from daysalt.objections import ObjectionList

        with retention_alone(settings) as opened:
            marks = ObjectionList(settings.keys_dir, opened.keyring, SystemClock())
            try:
                marks.add(address, "objected" if kind == "objected" else "restricted", ticket)
            except ValueError as error:
                raise CommandError(str(error)) from None
        return {"kind": kind}

    with_keeper(settings, alone, "objection_add", address=address, kind=kind, case=ticket)
    if kind == "restricted":
        fields = {"address": address, "ticket": ticket, "actor": "command line"}
        _tell_notices(ask_desk(settings, "vault_restricted", fields)["notices"])
    _show(cases.note(ticket, kind), as_json, "Done: collectors know within half a minute.")


def _facts(case: Case) -> object:
    return msgspec.to_builtins(case)


def _show(case: Case, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(_facts(case))
    else:
        print(sentence)
