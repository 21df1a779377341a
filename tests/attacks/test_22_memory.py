"""
22 Memory, core dumps: a dead salt is in no process of a real server, and no crash leaves memory behind.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from ingest.keys.keyring_file import bound_to, bound_to_epoch, read_keyring, unwrap
from tests.clock_mover import ClockMover
from tests.ingest.collectors import CHROME
from tests.processes.family import children_of, until
from tests.processes.memory import family_of, held_in_memory
from tests.processes.test_faults import add_site
from tests.server import Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

ZONE = ZoneInfo("Etc/UTC")
ROOT = Path(__file__).parent.parent.parent


def salt_of(data_dir: Path, day: str) -> tuple[bytes, bytes]:
    """
    Unwrap a living salt, and the epoch key it lies under, as somebody could who has keys directory and root key.
    """
    keys_dir = data_dir.with_name(data_dir.name + "-keys")
    root = bytes.fromhex((keys_dir / "root.key").read_text().strip())
    state = read_keyring(keys_dir / "keyring.json")
    key = next(key for key in state.keys.values() if key.id.purpose == "salt" and key.id.day == day)
    epoch = unwrap(root, state.epochs[key.epoch], bound_to_epoch(key.epoch))
    return unwrap(epoch, key.wrapped, bound_to(key.id, key.epoch)), epoch


def needles_of_key(key: bytes) -> dict[str, bytes]:
    """
    Give the forms in which a key is copied, each half by itself.
    """
    halves = {"first half": key[:16], "second half": key[16:]}
    return {
        f"{form} of the {name}": shape(half)
        for name, half in halves.items()
        for form, shape in (("bytes", bytes), ("hex", _as_hex))
    }


def _as_hex(half: bytes) -> bytes:
    return half.hex().encode()


def holders(server: Server, needles: dict[str, bytes]) -> dict[str, set[str]]:
    """
    Tell which processes hold what.
    """
    family = family_of(server.process.pid)
    return {f"{role} {pid}": held for pid, role in family.items() if (held := held_in_memory(pid, needles))}


def renewed(server: Server, collectors: list[int], said: int) -> Callable[[], bool]:
    """
    Make the question whether all collectors are other ones and the keeper is a new program.
    """

    def answer() -> bool:
        now = children_of(server.process.pid, "collector")
        return bool(now) and not set(now) & set(collectors) and said_times(server) > said

    return answer


def said_times(server: Server) -> int:
    return server.output.read_text(errors="replace").count("the keeper is a new program")


def send(server: Server, count: int) -> None:
    body = json.dumps({"n": "pageview", "d": "site1.test", "u": "https://site1.test/"})
    with httpx.Client(trust_env=False, headers={"user-agent": CHROME}) as client:
        for _ in range(count):
            assert 202 == client.post(f"{server.base_url}/api/event", content=body).status_code


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read this memory; that others may not is tested below")
def test_22_a_dead_salt_is_in_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Alive, the salt is found in the collector; dead, in no process, and the server went on without a gap. The control:
    the same search finds what lives, in the same processes.
    """
    clock = ClockMover(tmp_path, monkeypatch)
    tomorrow = (datetime.now(ZONE) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    day = (tomorrow - timedelta(days=1)).date().isoformat()
    clock.set(tomorrow - timedelta(minutes=40))
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        server.await_site("site1.test")
        send(server, 20)
        until(lambda: server.metric("daysalt_events_accepted_total") >= 20, "twenty events are not counted")
        accepted = server.metric("daysalt_events_accepted_total")
        salt = needles_of_key(salt_of(server.data_dir, day)[0])
        alive = holders(server, salt)
        collectors = children_of(server.process.pid, "collector")
        clock.move(75 * 60)
        until(renewed(server, collectors, 0), "collectors and keeper were not renewed")
        living, epoch = salt_of(server.data_dir, tomorrow.date().isoformat())
        # One search for all: reading the memory of all processes takes seconds.
        wanted = {"dead": salt, "living": needles_of_key(living), "epoch": needles_of_key(epoch)}
        found = holders(server, {f"{key} {form}": value for key, of in wanted.items() for form, value in of.items()})
        dead, *control = [
            {name for name, held in found.items() if any(form.startswith(key) for form in held)} for key in wanted
        ]
        send(server, 5)
        until(lambda: server.metric("daysalt_events_accepted_total") >= accepted + 5, "the counters began anew")
        pid = server.process.pid
        # The engine of the store catches the signal; but the store never had a key.
        left = crashed(child for child, role in family_of(pid).items() if role != "store")

    # Positive controls: the salt while it lived, and what lives still, in collector and keeper. What the keeper gave
    # away it may have overwritten by chance; the key of its epoch it always has.
    assert "collector" in {name.split()[0] for name in alive}
    assert "collector" in {name.split()[0] for name in control[0]}
    assert {f"keeper {pid}"} == control[1]
    assert set() == dead
    assert ([], []) == (left, [line for line in server.said().splitlines() if "Traceback" in line])


def crashed(processes: Iterable[int]) -> list[Path]:
    """
    Crash processes whose limits allow every dump, and list what that left behind.
    """
    pids = list(processes)
    before = set(ROOT.glob("core*"))
    for pid in pids:
        _, hard = resource.prlimit(pid, resource.RLIMIT_CORE)
        resource.prlimit(pid, resource.RLIMIT_CORE, (hard, hard))
    for pid in pids:
        os.kill(pid, signal.SIGABRT)
    until(lambda: not any(_runs(pid) for pid in pids), "a process survived SIGABRT")
    return sorted(set(ROOT.glob("core*")) - before)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


DROP = """
import ctypes, os, sys
if os.geteuid() == 0:  # root may read everything: be somebody else, as ordinary as a program that was just started
    os.setgid(65534)
    os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
"""
PROGRAM = """
from warehouse.private_memory import keep_memory_private, memory_is_private
if sys.argv[1] == "private":
    keep_memory_private()
print(memory_is_private(), flush=True)
import resource
_, hard = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
print(hard, flush=True)
sys.stdin.read()
"""
LOOK = "open(f'/proc/{sys.argv[1]}/mem', 'rb').close()"


@pytest.mark.parametrize("private", [True, False])
def test_22_memory_is_closed_to_programs_of_the_same_user(private: bool) -> None:
    """
    What a private process holds no other program of its user can read, and its crash leaves nothing, whatever its
    limits say; the same program without that is read, and leaves its memory (the positive control).
    """
    folder = Path(tempfile.mkdtemp(prefix="daysalt-crash-"))
    folder.chmod(0o777)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    # Imported before the user is changed, who may not read what is ours.
    program = [
        sys.executable,
        "-c",
        f"import warehouse.private_memory\n{DROP}{PROGRAM}",
        "private" if private else "open",
    ]
    with subprocess.Popen(
        program, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        look = [sys.executable, "-c", f"{DROP}{LOOK}", str(process.pid)]
        looked = subprocess.run(look, cwd=folder, env=environment, capture_output=True)
        hard = int(process.stdout.readline())
        process.send_signal(signal.SIGABRT)
    dumps = [path.name for path in folder.iterdir()]
    shutil.rmtree(folder)

    assert private == (said.strip() == b"True")
    assert private == (looked.returncode != 0), looked.stderr
    # A kernel that hands dumps to a program leaves no file in either case.
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    wanted = not private and hard != 0 and not pattern.startswith(("|", "/"))
    assert wanted == bool(dumps)
