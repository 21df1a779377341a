"""
`migrate`, `backup`, `restore` and `doctor`, each as a process of its own: the engine allows one store per process.
"""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from warehouse.data_dir import lock_data_dir

pytestmark = pytest.mark.server

_FILL = """
import sys
from warehouse.client import Warehouse
warehouse = Warehouse("chdb://" + sys.argv[1])
warehouse.command("INSERT INTO events (site_id, day, ts, visitor_id, visit_id, seq, name, pathname, props, source) "
    "SELECT 1 + number % 2, toDate('2026-10-01') + number % 60, toDateTime('2026-10-01 12:00:00', 'UTC') + number, "
    "number, number, 1, 'pageview', concat('/a\\tb\\n', toString(number)), map('k', 'it''s'), 'Ünï' FROM numbers(3000)")
for pages in (1, 2):
    warehouse.command("INSERT INTO visits (site_id, day, visitor_id, visit_id, start, end, pageviews, entry, exit) "
        "SELECT 1, toDate('2026-10-01'), number, number, '2026-10-01 12:00:00', '2026-10-01 12:01:00', %d, "
        "(1, 'h', '/a'), (2, 'h', '/b''c') FROM numbers(500)" % pages)
warehouse.close()
"""
_SUMS = """
import sys
from warehouse.client import Warehouse
warehouse = Warehouse("chdb://" + sys.argv[1])
print(warehouse.query("SELECT count(), groupBitXor(cityHash64(*)) FROM events"))
print(warehouse.query("SELECT count(), groupBitXor(cityHash64(*)) FROM (SELECT * FROM visits FINAL)"))
warehouse.close()
"""


def _run(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "DAYSALT_DATA_DIR": str(data_dir)}
    program = Path(sys.executable).with_name("daysalt")
    return subprocess.run([program, *arguments], env=environment, cwd=data_dir.parent, capture_output=True, text=True)


def _python(code: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A data directory with two sites, a person, rows and a spool that no backup may hold.
    """
    data_dir = tmp_path_factory.mktemp("filled") / "data"
    for domain in ("a.example", "b.example"):
        assert 0 == _run(data_dir, "site", "add", domain).returncode
    assert 0 == _run(data_dir, "user", "setup").returncode
    migrated = _run(data_dir, "migrate", "--json")
    assert ["done"] * 3 == [row["state"] for row in json.loads(migrated.stdout)][:3]
    _python(_FILL, str(data_dir / "warehouse"))
    (data_dir / "spool").mkdir()
    (data_dir / "spool" / "0001.seg").write_bytes(b"spooled")
    return data_dir


@pytest.fixture(scope="module")
def backup(filled: Path) -> Path:
    """
    A backup of it.
    """
    out = filled.parent / "backup.tar.gz"
    ran = _run(filled, "backup", "--out", str(out))
    assert (0, "") == (ran.returncode, ran.stderr)
    assert "3000 events, 500 visits." in ran.stdout
    return out


def test_a_backup_comes_back_whole(filled: Path, backup: Path, tmp_path: Path) -> None:
    """Every row and site is as it was, in a directory that was empty."""
    ran = _run(tmp_path / "new", "restore", str(backup), "--json")
    assert (0, "") == (ran.returncode, ran.stderr)
    answer = json.loads(ran.stdout)
    assert (2, {"events": 3000, "visits": 500}) == (answer["sites"], answer["rows"])

    assert _python(_SUMS, str(filled / "warehouse")) == _python(_SUMS, str(tmp_path / "new" / "warehouse"))
    listed = [_run(path, "site", "list", "--json").stdout for path in (filled, tmp_path / "new")]
    assert listed[0] == listed[1]
    assert 0o600 == stat.S_IMODE((tmp_path / "new" / "registry.sqlite").stat().st_mode)
    again = _run(tmp_path / "new", "restore", str(backup))
    assert 1 == again.returncode
    assert "has sites or people in it: restore into an empty data directory" in again.stderr


def test_a_backup_holds_nothing_that_must_die(filled: Path, backup: Path) -> None:
    """No key, spool, token or socket is in it, and only its owner can read it."""
    with tarfile.open(backup) as tar:
        names = tar.getnames()

    assert 0o600 == stat.S_IMODE(backup.stat().st_mode)
    assert {"registry.sqlite", "manifest.json"} == {name for name in names if not name.startswith("warehouse/")}
    assert {backup, filled} == set(filled.parent.iterdir())


def test_a_backup_never_writes_over_a_file(filled: Path, backup: Path) -> None:
    """The older backup stays, and the sentence says so."""
    before = backup.read_bytes()
    ran = _run(filled, "backup", "--out", str(backup))

    assert 1 == ran.returncode
    assert "exists already: choose another file" in ran.stderr
    assert before == backup.read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "extra"])
def test_a_damaged_backup_changes_nothing(backup: Path, tmp_path: Path, damage: str) -> None:
    """Cut, altered, strange or extended: the directory stays empty of sites and rows."""
    broken = tmp_path / "broken.tar.gz"
    content = backup.read_bytes()
    if damage == "cut":
        broken.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        broken.write_text("hello")
    else:
        with tarfile.open(backup) as old, tarfile.open(broken, "w:gz") as new:
            for member in old:
                source = old.extractfile(member)
                assert source is not None
                if damage == "extra" and member.name == "manifest.json":
                    link = tarfile.TarInfo("../../outside")
                    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
                    new.addfile(link)
                data = source.read()
                if damage == "flip" and member.name.startswith("warehouse/events"):
                    data = data[:-3] + b"7" + data[-2:]
                new.addfile(member, io.BytesIO(data))
    ran = _run(tmp_path / "new", "restore", str(broken))

    assert 1 == ran.returncode
    assert 1 == ran.stderr.count("\n")
    assert "broken.tar.gz" in ran.stderr
    assert {"daysalt.lock"} == {path.name for path in (tmp_path / "new").iterdir()}


def test_a_directory_in_use_is_said_to_be(backup: Path, tmp_path: Path) -> None:
    """While somebody holds the directory, restore refuses and the others ask for the store that does not answer."""
    with lock_data_dir(tmp_path / "new"):
        restore = _run(tmp_path / "new", "restore", str(backup))
        migrate = _run(tmp_path / "new", "migrate")

    assert (1, 1) == (restore.returncode, migrate.returncode)
    assert "a server runs on" in restore.stderr
    assert "is in use, but no store answers on it" in migrate.stderr


def test_the_doctor_names_what_is_unwell(tmp_path: Path) -> None:
    """An open data directory and a missing list are said, with the command that mends them."""
    data_dir = tmp_path / "data"
    assert 0 == _run(data_dir, "site", "add", "a.example").returncode
    data_dir.chmod(0o755)
    ran = _run(data_dir, "doctor", "--privacy", "--json")
    found = {check["name"]: check for check in json.loads(ran.stdout)}

    assert 1 == ran.returncode
    assert "unwell" == found["data directory"]["state"]
    assert f"run `chmod 700 {data_dir}`" in found["data directory"]["finding"]
    assert "run `daysalt data fetch`" in found["lists"]["finding"]
    assert {"swap", "core dumps", "backup mark", "registry", "warehouse", "clock"} <= found.keys()
    assert "well" == found["registry"]["state"]


def test_site_remove_deletes_rows(filled: Path, backup: Path, tmp_path: Path) -> None:
    """Only the removed site's rows go."""
    assert 0 == _run(tmp_path / "new", "restore", str(backup)).returncode
    ran = _run(tmp_path / "new", "site", "remove", "a.example", "--yes")

    assert "Removed a.example and 2000 rows of it.\n" == ran.stdout
    assert _python(_SUMS, str(tmp_path / "new" / "warehouse")).startswith("[(1500, ")
