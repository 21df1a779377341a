"""
Backup and restore around the 45th day, with the real commands and a real server on a clock that the test moves.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.attacks.scan import traces
from tests.clock_mover import ClockMover
from tests.processes.family import until
from tests.processes.test_vault import ASK, V4, add_site, command, hits, send
from tests.server import run_server
from warehouse.privacy.proofs import CHAIN_FILE, PROOFS_DIR, Signed, read_chain, verify_chain

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]


def test_no_address_comes_back_and_the_chain_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An address that is found on day 10 is in no file of the backup; restored on day 46 beside its old proofs it is not
    found, the old head is in the chain, and the chain goes on there without a hole. The installation itself, switched
    off meanwhile, destroys first and serves then.
    """
    clock = ClockMover(tmp_path, monkeypatch)
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.set(noon)
    with run_server(tmp_path) as server:
        add_site(server, tmp_path, "site1.test")
        send(server, "site1.test", V4, count=3)
        assert 0 == server.stop()  # which writes what the collector has of the vault
    assert 3 == hits(tmp_path, V4)
    assert 0 == command(tmp_path, "backup", "--out", str(tmp_path / "backup.tar.gz")).returncode
    head = verify_chain(chain_of(tmp_path)).head
    restored = tmp_path / "restored"
    restored.mkdir()
    clock.set(noon + timedelta(days=46))
    assert 0 == command(restored, "restore", str(tmp_path / "backup.tar.gz")).returncode
    with run_server(restored) as server:
        looked = command(restored, "vault", "lookup", V4, *ASK)
        until(lambda: verify_chain(chain_of(restored)).days == 2, "the restored installation did not prove both days")
        proved = command(restored, "retention", "verify", "--head", head, "--json")
        url = f"{server.base_url}/privacy/site1.test/retention-proof"
        by_url = command(restored, "retention", "verify", url)
        assert 0 == server.stop()
    with run_server(tmp_path) as server:
        said = server.said()
        ran = command(tmp_path, "retention", "run", "--json")
        here = command(tmp_path, "vault", "lookup", V4, *ASK)
    keyring = (tmp_path / "data-keys" / "keyring.json").read_text()

    assert (1, "not found\n") == (looked.returncode, looked.stdout), looked.stderr
    assert (0, 0) == (proved.returncode, by_url.returncode), proved.stderr + by_url.stderr
    assert [] == traces(restored, [V4])
    # The keys were destroyed before anything was served. The engine lets go of a dropped day's files after a minute,
    # and until then there is no proof of it.
    assert said.index("the keys of a day of the vault were destroyed") < said.index('"event": "serving"')
    assert (1, "not found\n") == (here.returncode, here.stdout)
    waiting = json.loads(ran.stdout)["waiting"]
    assert waiting == "" or "0 rows" in waiting, ran.stdout
    assert '"purpose": "vault"' not in keyring


def chain_of(folder: Path) -> list[Signed]:
    return read_chain(folder / "data" / PROOFS_DIR / CHAIN_FILE)
