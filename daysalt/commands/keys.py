"""
`daysalt keys`: rotating the keys that wrap others, and how many there are.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from daysalt.commands.keeper import with_keeper
from daysalt.commands.options import DataDir, Json, settings_for
from daysalt.commands.output import print_json, print_table
from warehouse.settings import Settings

app = typer.Typer(
    name="keys",
    help="Rotate the keys that wrap salts and vault keys, and count them.",
    epilog="Example: daysalt keys status",
    no_args_is_help=True,
)


@app.command(epilog="Example: daysalt keys rotate --root")
def rotate(
    root: Annotated[
        bool, typer.Option("--root", help="Also put a new root key in the place of the one in use.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """
    Wrap every living key anew and destroy the old epoch key: a copy of the keyring made before is then of no use to
    whoever lacks the root key of that time. No ciphertext changes.
    """

    def alone(settings: Settings) -> dict[str, Any]:
        from daysalt.alone import retention_alone
        from daysalt.retention_keeper import rotate_keys

        with retention_alone(settings) as opened:
            return rotate_keys(opened.keyring, root=root, prove=opened.destroy_due)

    facts = with_keeper(settings_for(data_dir), alone, "keys_rotate", root=root)
    if as_json:
        print_json(facts)
        return
    print(f"Epoch {facts['epoch']} wraps {facts['keys']} keys now; the epoch key before it is destroyed and proved.")
    if root:
        print("The root key is a new one: destroy every copy of the old one, or a stolen old keyring stays readable.")


@app.command(epilog="Example: daysalt keys status --json")
def status(as_json: Json = False, data_dir: DataDir = None) -> None:
    """
    Count the living and the destroyed keys by what they are for; no key is shown.
    """

    def alone(settings: Settings) -> dict[str, Any]:
        from daysalt.alone import retention_alone
        from daysalt.retention_keeper import keys_facts

        with retention_alone(settings) as opened:
            return keys_facts(opened.keyring)

    facts = with_keeper(settings_for(data_dir), alone, "keys_status")
    if as_json:
        print_json(facts)
        return
    rows = [["epoch", str(facts["epoch"])]]
    rows += [[f"living: {purpose}", str(count)] for purpose, count in facts["living"].items()]
    rows += [["destroyed in the last 400 days", str(facts["destroyed"])], ["directory", str(facts["directory"])]]
    print_table(("what", "value"), rows, empty="")
