"""
`daysalt retention` and `daysalt keys`, without a server.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.commands.conftest import Command


def facts(answer: object) -> dict[str, Any]:
    return cast("dict[str, Any]", answer)


@pytest.fixture
def begun(command: Command) -> Command:
    assert 0 == command("keys", "status").code
    return command


def chain_file(tmp_path: Path) -> Path:
    return next(tmp_path.rglob("chain.ndjson"))


def test_run_says_what_it_did(tmp_path: Path) -> None:
    """
    On a fresh installation nothing is due, and that is said. A process of its own: the engine allows one store each.
    """
    ran = subprocess.run(
        [Path(sys.executable).with_name("daysalt"), "retention", "run", "--json"],
        env={"PATH": "/usr/bin:/bin", "DAYSALT_DATA_DIR": str(tmp_path / "data")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert (0, "") == (ran.returncode, ran.stderr)
    assert {"destroyed": [], "proved": [], "events_deleted": 0, "files_deleted": 0, "waiting": ""} == json.loads(
        ran.stdout
    )


def test_status_is_well(begun: Command) -> None:
    """
    Status tells the periods and that nothing waits.
    """
    found = facts(begun("retention", "status", "--json").facts())

    assert (45, 25, 1, True, True, "") == tuple(
        found[name]
        for name in ("retention_days", "event_retention_months", "proofs", "vault_open", "clock_confirmed", "trouble")
    )


def test_a_chain_is_verified_from_its_file_alone(begun: Command, tmp_path: Path) -> None:
    """
    A copied chain, in either form, is verified without the installation it comes from.
    """
    begun("keys", "rotate")
    begun("retention", "prove", "--out", str(tmp_path / "proofs.json"))
    shutil.copy(chain_file(tmp_path), tmp_path / "copy.ndjson")
    found = [
        facts(begun("retention", "verify", *source, "--json", "--data-dir", str(tmp_path / "elsewhere")).facts())
        for source in ([str(tmp_path / "proofs.json")], [str(tmp_path / "copy.ndjson")])
    ]

    assert found[0] == found[1]
    assert (True, 2, 1) == (found[0]["valid"], found[0]["records"], found[0]["keys"])
    assert 0 == begun("retention", "verify", str(tmp_path / "copy.ndjson"), "--head", found[0]["head"]).code


def changed(lines: list[str]) -> list[str]:
    row = json.loads(lines[1])
    row["record"]["keys"][0]["destroyed_ms"] -= 1
    return [lines[0], json.dumps(row), *lines[2:]]


def left_out(lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


def reordered(lines: list[str]) -> list[str]:
    return [lines[0], lines[2], lines[1]]


def beheaded(lines: list[str]) -> list[str]:
    return lines[1:]


def replaced(lines: list[str]) -> list[str]:
    return ["nonsense"]


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (changed, "hash does not fit"),
        (left_out, "left out or moved"),
        (reordered, "left out or moved"),
        (beheaded, "left out or moved"),
        (replaced, "not JSON"),
    ],
    ids=["changed", "left out", "reordered", "beheaded", "nonsense"],
)
def test_tampering_is_found(
    begun: Command, tmp_path: Path, attack: Callable[[list[str]], list[str]], words: str
) -> None:
    """
    A record changed, left out, moved or cut off at the front fails with one sentence.
    """
    begun("keys", "rotate")
    begun("keys", "rotate")
    lines = chain_file(tmp_path).read_text().splitlines()
    forged = tmp_path / "forged.ndjson"
    forged.write_text("\n".join(attack(lines)) + "\n")
    ran = begun("retention", "verify", str(forged))

    assert 1 == ran.code
    assert words in ran.err


def test_a_chain_cut_at_its_end_lacks_the_head(begun: Command, tmp_path: Path) -> None:
    """
    Whoever noted the head earlier sees that the end was cut off; without it, nobody can.
    """
    begun("keys", "rotate")
    head = facts(begun("retention", "verify", "--json").facts())["head"]
    cut = tmp_path / "cut.ndjson"
    cut.write_text(chain_file(tmp_path).read_text().splitlines()[0] + "\n")

    assert 0 == begun("retention", "verify", str(cut)).code
    assert "head noted earlier" in begun("retention", "verify", str(cut), "--head", head).err


def test_resigned_with_another_key(begun: Command, tmp_path: Path) -> None:
    """
    A record signed by somebody else's key does not hold.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from warehouse.privacy.proofs import DOMAIN, canonical

    begun("keys", "rotate")
    lines = chain_file(tmp_path).read_text().splitlines()
    row = json.loads(lines[1])
    import base64

    row["signature"] = base64.b64encode(Ed25519PrivateKey.generate().sign(DOMAIN + canonical(row["record"]))).decode()
    forged = tmp_path / "forged.ndjson"
    forged.write_text(lines[0] + "\n" + json.dumps(row) + "\n")

    assert "not signed by the key" in begun("retention", "verify", str(forged)).err


def test_rotation_keeps_the_keys_and_proves_the_epoch(begun: Command, tmp_path: Path) -> None:
    """
    After both rotations another epoch wraps the keys, the root key is another, and everything still opens.
    """
    root = next(tmp_path.rglob("root.key"))
    before = root.read_text()
    ran = begun("keys", "rotate", "--root", "--json")

    assert {"epoch": 2, "keys": 0, "root": True} == ran.facts()
    assert before != root.read_text()
    assert not root.with_name("root.key.next").exists()
    assert 2 == facts(begun("keys", "status", "--json").facts())["epoch"]
    assert 0 == begun("retention", "verify").code


def test_a_damaged_chain_stops_with_a_sentence(begun: Command, tmp_path: Path) -> None:
    """
    A chain that somebody changed is not continued.
    """
    path = chain_file(tmp_path)
    path.write_text(path.read_text().replace('"seq":1', '"seq":2'))
    ran = begun("retention", "run")

    assert 1 == ran.code
    assert "does not hold" in ran.err
    assert "Traceback" not in ran.err
