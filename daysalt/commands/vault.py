"""
`daysalt vault`: on which days an address was seen, for a purpose and with a second person; and legal holds.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from daysalt.commands.desk import BROKEN, As, ask_desk, person
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import day_text, note, print_json, print_table

app = typer.Typer(
    name="vault",
    help="Ask on which days an address was seen; approve such requests; hold rows for a case.",
    epilog="Example: daysalt vault lookup 203.0.113.77 --purpose fraud_risk --ticket FRAUD-17",
    no_args_is_help=True,
)
hold = typer.Typer(
    name="hold",
    help="Keep an address's rows for a case, under a key of its own.",
    epilog="Example: daysalt vault hold list",
    no_args_is_help=True,
)
app.add_typer(hold)

Address = Annotated[str, typer.Argument(metavar="IP", help="The address, IPv4 or IPv6.")]
Ticket = Annotated[str, typer.Option(help="The case in your own system, such as FRAUD-17.")]


@app.command(epilog="Example: daysalt vault lookup 203.0.113.77 --purpose fraud_risk --ticket FRAUD-17")
def lookup(
    address: Address,
    purpose: Annotated[str, typer.Option(help="fraud_risk, dsar or legal_obligation.")],
    ticket: Ticket,
    site: Annotated[str, typer.Option(metavar="DOMAIN", help="One site only.", show_default="every site")] = "",
    who: As = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Print a line for each living day the address was seen on: ISO date, hours UTC, hits. Exit code 1 when there is none.
    """
    settings = settings_for(data_dir)
    fields = {"address": address, "purpose": purpose, "ticket": ticket, "site": site, "who": person(who)}
    answer = ask_desk(settings, "vault_lookup", fields)
    _tell(answer, as_json)


@app.command(
    epilog='Example: daysalt vault disclose 203.0.113.77 --to "City Police" --purpose legal_obligation --ticket K-4711'
)
def disclose(
    address: Address,
    to: Annotated[str, typer.Option(metavar="NAME", help="A [[recipient]] of privacy.toml, by its name.")],
    purpose: Annotated[str, typer.Option(help="fraud_risk or legal_obligation.")],
    ticket: Ticket,
    who: As = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Look an address up to hand the answer to somebody else, and note to whom. Exit code 1 when there is nothing.
    """
    fields = {"address": address, "to": to, "purpose": purpose, "ticket": ticket, "who": person(who)}
    answer = ask_desk(settings_for(data_dir), "vault_disclose", fields)
    _tell(answer, as_json)
    if not as_json:
        note(f"Noted as handed to {to}: they are named when this address is erased or restricted.")


@app.command(epilog="Example: daysalt vault requests")
def requests(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    List the requests of the last hour: who asks, what for, who approved. Never which address.
    """
    found: list[dict[str, Any]] = ask_desk(settings_for(data_dir), "vault_requests", {})["requests"]
    if as_json:
        print_json(found)
        return
    rows = [
        [
            row["id"],
            row["kind"],
            row["actor"],
            row["purpose"],
            row["ticket"],
            day_text(row["expires_ms"]),
            row["approver"],
        ]
        for row in found
    ]
    columns = ("id", "kind", "asked by", "purpose", "ticket", "until", "approved by")
    print_table(columns, rows, empty="No request is waiting.")


@app.command(epilog="Example: daysalt vault approve 0a1b2c3d --as bo@example.com")
def approve(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The request, as `daysalt vault requests` shows it.")],
    who: As = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Let somebody else's request go ahead, within the hour it waits.
    """
    answer = ask_desk(settings_for(data_dir), "vault_approve", {"request_id": request_id, "who": person(who)})
    if as_json:
        print_json(answer)
    elif "hold" in answer:
        print(f"Held {answer['hold']['rows']} rows for {answer['hold']['case']}.")
    else:
        print(f"Approved: {answer['request']['actor']} may now run the same look-up again.")


@hold.command(
    "add",
    epilog='Example: daysalt vault hold add 192.0.2.7 --case C-7 --ground "RB 39:1" --review 2026-12-31 --ticket L-7',
)
def hold_add(
    address: Address,
    case: Annotated[str, typer.Option(help="Name of the case; the hold is listed and ended by it.")],
    ground: Annotated[str, typer.Option(help="The law or claim it rests on.")],
    review: Annotated[
        str, typer.Option(metavar="DATE", help="When it must be looked at again, at most 90 days ahead.")
    ],
    ticket: Ticket,
    who: As = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Copy the rows of one address under the case's own key; the days' keys die on time all the same.
    """
    fields = {"address": address, "case": case, "ground": ground, "review_on": review, "ticket": ticket}
    answer = ask_desk(settings_for(data_dir), "vault_hold_add", {**fields, "who": person(who)})
    if answer["break_glass"]:
        note(BROKEN)
    if as_json:
        print_json(answer)
    else:
        print(f"Held {answer['hold']['rows']} rows for {case}; review it by {review}.")


@hold.command("list", epilog="Example: daysalt vault hold list")
def hold_list(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    List the holds: case, ground, both people, review date, end. Never which address.
    """
    found: list[dict[str, Any]] = ask_desk(settings_for(data_dir), "vault_hold_list", {})["holds"]
    if as_json:
        print_json(found)
        return
    columns = ("case", "ground", "requester", "approver", "added_on", "review_on", "rows", "ended_on")
    print_table(columns, [[str(row[name]) for name in columns] for row in found], empty="There is no hold.")


@hold.command("show", epilog="Example: daysalt vault hold show C-7")
def hold_show(
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case.")],
    who: As = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Print what a hold holds: the address, and its days.
    """
    answer = ask_desk(settings_for(data_dir), "vault_hold_show", {"case": case, "who": person(who)})
    if as_json:
        print_json(answer)
        return
    print(answer["address"])
    for row in answer["rows"]:
        print(f"{row['day']}\t{','.join(map(str, row['hours']))}\t{row['hits']}\t{row['site']}")


@hold.command("end", epilog="Example: daysalt vault hold end C-7")
def hold_end(
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case.")],
    who: As = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Destroy a case's key: what it held is gone.
    """
    answer = ask_desk(settings_for(data_dir), "vault_hold_end", {"case": case, "who": person(who)})
    if as_json:
        print_json(answer)
    else:
        print(f"Ended the hold of {case}; its key is destroyed.")


def _tell(answer: dict[str, Any], as_json: bool) -> None:
    """
    Print the days that were found; end with exit code 1 when there are none.
    """
    days: list[dict[str, Any]] = answer["days"]
    if answer["break_glass"]:
        note(BROKEN)
    if as_json:
        print_json({"found": bool(days), **answer})
    elif not days:
        print("not found")
    else:
        for day in days:
            print(f"{day['day']}\t{','.join(map(str, day['hours']))}\t{day['hits']}")
    if not days:
        raise typer.Exit(1)
