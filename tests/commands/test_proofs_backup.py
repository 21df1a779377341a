"""
The chain of proofs goes on after a restore, and no other key comes with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.server


def run(data_dir: Path, *arguments: str) -> dict[str, Any]:
    ran = subprocess.run(
        [Path(sys.executable).with_name("daysalt"), *arguments, "--json"],
        env={"PATH": "/usr/bin:/bin", "DAYSALT_DATA_DIR": str(data_dir)},
        cwd=data_dir.parent,
        capture_output=True,
        text=True,
    )
    assert 0 == ran.returncode, ran.stderr
    facts: dict[str, Any] = json.loads(ran.stdout)
    return facts


def test_the_chain_goes_on_after_a_restore(tmp_path: Path) -> None:
    """
    A restored installation has the old head in its chain and signs with the same key; its keyring is a new one.
    """
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "backup.tar.gz"
    run(old, "keys", "rotate")
    head = run(old, "retention", "verify")["head"]
    run(old, "backup", "--out", str(file))
    with tarfile.open(file) as tar:
        names = {name for name in tar.getnames() if not name.startswith("warehouse/")}
    run(new, "restore", str(file))
    run(new, "keys", "rotate")
    found = run(new, "retention", "verify", "--head", head)

    assert {"registry.sqlite", "manifest.json", "proofs/chain.ndjson", "proofs/signing.key"} == names
    assert (3, run(old, "retention", "verify")["fingerprint"]) == (found["records"], found["fingerprint"])
    assert 0o600 == (new / "proofs" / "signing.key").stat().st_mode & 0o777
