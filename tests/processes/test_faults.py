"""
Storms on the real server, with a counted sender: the store stopped, slow and killed, the disk full, the spool torn and
damaged, the power cut, the keys unwritable. What was answered is what is stored, and nobody's address lies anywhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from ingest.event import Event
from ingest.keys.keyring import Keyring, KeyringError
from ingest.spool import open_segment
from ingest.spool.reader import SpoolReader
from ingest.spool.segment import FRAME, HEADER, MARK, OPEN, encode_record, frame, read_pieces
from ingest.spool.writer import SpoolWriter
from tests.attacks.scan import traces
from tests.clocks import FakeClock
from tests.ingest.collectors import CHROME
from tests.ingest.records import event
from tests.processes.family import children_of, kill, until
from tests.processes.load import DOMAIN, CountedSender, await_stored
from tests.server import Server, free_port, run_server
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

SENDERS = ("2001:db8:aaaa:bbbb::1234", "203.0.113.77", "2001:db8:cccc:dddd::9", "198.51.100.201")
"""Who the beacons say they come from; after each storm nothing on disk may know."""
SLOW_SECONDS = 4


def add_site(tmp_path: Path, domain: str = DOMAIN, timezone: str = "Etc/UTC") -> None:
    """
    Put a site into the registry, as the command does.
    """
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    registry = Registry(f"sqlite:///{tmp_path / 'data' / 'registry.sqlite'}", SystemClock())
    registry.sites.add(domain, timezone=timezone)
    registry.close()


def child(server: Server, role: str) -> int:
    (pid,) = children_of(server.process.pid, role)
    return pid


@contextmanager
def stopped(pid: int) -> Generator[None]:
    """
    Hold a process still, as a machine that swaps or a disk that hangs would.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # the storm has ended it
            os.kill(pid, signal.SIGCONT)


def crash_frozen(server: Server) -> None:
    """
    Freeze the collector and end everything at once, so that nothing is put in order on the way out.
    """
    pids = [child(server, "collector"), child(server, "store")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    server.kill()
    for pid in pids:
        kill(pid)
    until(lambda: not any(alive(pid) for pid in pids), "a child stayed")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def send_one(server: Server, page: str = "/one", domain: str = DOMAIN) -> httpx.Response:
    return httpx.post(
        f"{server.base_url}/api/event",
        content=json.dumps({"n": "pageview", "d": domain, "u": f"https://{domain}{page}"}),
        headers={"User-Agent": CHROME, "X-Forwarded-For": SENDERS[0]},
        timeout=10,
        trust_env=False,
    )


def get(server: Server, path: str) -> httpx.Response:
    return httpx.get(server.base_url + path, timeout=10, trust_env=False)


def check_counts(server: Server, accepted: Sequence[str], *others: str) -> None:
    """
    What was answered is stored, once, and nothing else is.
    """
    stored = await_stored(server, [*accepted, *others])

    assert [] == sorted(set(accepted) - stored.keys()), "lost"
    assert {} == {page: times for page, times in stored.items() if times != 1}, "stored more than once"


def check_nobody_is_named(tmp_path: Path) -> None:
    """
    No file of the server, its logs included, holds a sender's address in any form.
    """
    assert [] == traces(tmp_path, SENDERS)


DUMP = """
import sys
from warehouse.client import Warehouse
warehouse = Warehouse("chdb://" + sys.argv[1])
for (table,) in warehouse.query("SELECT name FROM system.tables WHERE database = currentDatabase()"):
    print(table)
    for row in warehouse.query("SELECT * FROM " + table):
        print(row)
warehouse.close()
"""


def unpack_store(tmp_path: Path) -> None:
    """
    Write every row of the store out as text, so that the scan sees what the columns' compression hides.
    """
    command = [sys.executable, "-c", DUMP, str(tmp_path / "data" / "warehouse")]
    dump = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    assert b"events" in dump and b"/p1" in dump
    (tmp_path / "rows-of-the-store").write_bytes(dump)


def test_store_stopped_slow_and_killed(tmp_path: Path) -> None:
    """
    While the store stands still for seconds, is killed, and stands still again as it comes up, every beacon is
    accepted at once; in the end everything is stored, once.
    """
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        store = child(server, "store")
        with CountedSender(server, addresses=SENDERS) as sender:
            until(lambda: len(sender.accepted) > 100, "no beacon was accepted")
            with stopped(store):
                before = len(sender.accepted)
                until_seconds(SLOW_SECONDS)
                assert len(sender.accepted) > before + 100
                assert get(server, "/health/ready").is_success
                assert get(server, "/js/script.js").is_success
            kill(store)
            until(lambda: children_of(server.process.pid, "store") not in ([], [store]), "the store did not come back")
            with stopped(child(server, "store")):
                until_seconds(1)
        assert ({}, 0) == (dict(sender.refused), sender.broken)
        check_counts(server, sender.accepted)
    unpack_store(tmp_path)
    check_nobody_is_named(tmp_path)


def until_seconds(seconds: float) -> None:
    """
    Let a fault last.
    """
    ends = time.monotonic() + seconds
    until(lambda: time.monotonic() >= ends, "time stands still")


@contextmanager
def small_disk(folder: Path) -> Generator[None]:
    """
    Put a file system of 512 KiB there.
    """
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a full disk needs the right to mount one; the spool's own limit is tested beside this")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_and_recover(server: Server) -> list[str]:
    """
    Send with the store stopped until beacons are refused, then let it go on.
    """
    collector, store = child(server, "collector"), child(server, "store")
    with CountedSender(server, addresses=SENDERS) as sender:
        with stopped(store):
            until(lambda: sender.refused[503] > 200, "no beacon was refused")
            answer = send_one(server, "/refused")
            assert (503, True) == (answer.status_code, int(answer.headers["retry-after"]) > 0)
            assert get(server, "/js/script.js").is_success
            health = get(server, "/health/ready")
            assert (503, "degraded") == (health.status_code, health.json()["parts"]["spool"]["status"])
        before = len(sender.accepted)
        until(lambda: len(sender.accepted) > before + 100, "it did not recover")
    until(lambda: get(server, "/health/ready").is_success, "it is not ready again")
    assert [collector] == children_of(server.process.pid, "collector")
    assert ({503}, 0) == (set(sender.refused), sender.broken)
    assert len(os.listdir(f"/proc/{collector}/fd")) < 100  # noqa: PTH208  # of a process, not a folder
    return sender.accepted


def test_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """
    With no room left for the spool: 503 with Retry-After, scripts are served, nobody dies; it recovers by itself.
    """
    add_site(tmp_path)
    with small_disk(tmp_path / "data" / "spool"):
        with run_server(tmp_path) as server:
            check_counts(server, fill_and_recover(server))
            until(lambda: [] == list((server.data_dir / "spool" / "events").glob("*.new")), "unfinished files stay")
        check_nobody_is_named(tmp_path)


def test_full_spool_refuses_and_recovers(tmp_path: Path) -> None:
    """
    The same at DAYSALT_SPOOL_MAX_BYTES.
    """
    add_site(tmp_path)
    with run_server(tmp_path, spool_max_bytes=str(1024**2)) as server:
        check_counts(server, fill_and_recover(server))
    check_nobody_is_named(tmp_path)


def collect_and_crash(tmp_path: Path, events: int) -> list[str]:
    """
    Accept beacons while the store stands still, and crash: all that was accepted lies in the spool.
    """
    with (
        run_server(tmp_path) as server,
        CountedSender(server, addresses=SENDERS) as sender,
        stopped(child(server, "store")),
    ):
        until(lambda: len(sender.accepted) > events, "no beacon was accepted")
        crash_frozen(server)
    return sender.accepted


def pages_of(data: bytes) -> set[str]:
    """
    Decode the pages of a piece of a segment.
    """
    records = [record for piece in read_pieces(data, 0) for record in piece.records() or ()]
    return {record.pathname for record in records if isinstance(record, Event)}


def test_torn_tail_and_damaged_middle(tmp_path: Path) -> None:
    """
    Half a frame at the end is cut off, a damaged frame in the middle is put into quarantine, both are reported, and
    everything else is stored once.
    """
    add_site(tmp_path)
    accepted = collect_and_crash(tmp_path, 400)
    spool = tmp_path / "data" / "spool"
    path = max((spool / "events").glob("*" + OPEN), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    pieces = list(read_pieces(bytes(data[HEADER.size :]), HEADER.size))
    damaged = pieces[len(pieces) // 2]
    lost = pages_of(bytes(data[damaged.start : damaged.end]))
    data[damaged.start + FRAME.size + 20] ^= 0xFF
    half = frame([encode_record(event(path="/never-whole", visitor=9))])
    path.write_bytes(bytes(data) + half[: len(half) // 2])

    with run_server(tmp_path) as server:
        left = [page for page in accepted if page not in lost]
        check_counts(server, left)
        stored = await_stored(server, left)
        until(lambda: metric(server, "daysalt_spool_damage_total") >= 2, "the damage was not reported")
        log = [json.loads(line) for line in server.output.read_text().splitlines()]

    assert lost
    assert set() == lost & stored.keys()
    assert "/never-whole" not in stored
    assert {"torn", "corrupt"} == {line["kind"] for line in log if line["event"] == "damage in the spool"}
    assert bytes(data[damaged.start : damaged.end]) in [bad.read_bytes() for bad in (spool / "quarantine").iterdir()]
    check_nobody_is_named(tmp_path)


def metric(server: Server, name: str) -> float:
    lines = get(server, "/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))


def test_control_the_count_sees_a_loss(tmp_path: Path) -> None:
    """
    A segment thrown away is a loss that the comparison shows: the storms above are able to fail.
    """
    add_site(tmp_path)
    accepted = collect_and_crash(tmp_path, 100)
    for path in (tmp_path / "data" / "spool" / "events").glob("*" + OPEN):
        path.unlink()
    with run_server(tmp_path) as server:
        until(lambda: send_one(server, "/after").status_code == 202, "it does not collect")
        stored = await_stored(server, ["/after"])

    assert len(accepted) > 100
    assert {"/after": 1} == stored


def cut_power(spool: Path, *, zeros: bool) -> int:
    """
    Take from every open segment what was not synced. Marks are memory, and gone.

    Args:
        zeros: the file's length survived, its bytes did not.

    Returns:
        How many segments were cut.
    """
    cut = 0
    for path in (spool / "events").glob("*" + OPEN):
        mark = path.with_suffix(MARK)
        (safe,) = struct.unpack("<Q", mark.read_bytes())
        data = path.read_bytes()
        path.write_bytes(data[:safe] + bytes(4096) * zeros)
        mark.unlink()
        cut += 1
    return cut


@pytest.mark.parametrize("zeros", [False, True], ids=["shorter", "zeros"])
def test_power_cut_keeps_what_was_answered(tmp_path: Path, zeros: bool) -> None:
    """
    With `fsync` only the synced bytes survive a power cut, and they hold everything that was answered.
    """
    add_site(tmp_path)
    accepted = collect_and_crash(tmp_path, 200)
    assert cut_power(tmp_path / "data" / "spool", zeros=zeros) > 0
    with run_server(tmp_path) as server:
        check_counts(server, accepted)
    check_nobody_is_named(tmp_path)


class _Disk:
    """
    Knows of each file what of it was synced, by looking over the shoulder of `fsync` and `fdatasync`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: dict[int, bytes] = {}
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._watching(getattr(os, name)))

    def _watching(self, real: object) -> object:
        def sync(descriptor: int) -> None:
            # Read by another descriptor: that of a segment can only write. What is written meanwhile is not synced.
            status = os.fstat(descriptor)
            held = Path(f"/proc/self/fd/{descriptor}").read_bytes() if stat.S_ISREG(status.st_mode) else b""
            assert callable(real)
            real(descriptor)
            self.synced[status.st_ino] = held

        return sync

    def cut(self, directory: Path, synced: dict[int, bytes]) -> None:
        """
        Leave of every file what was synced; marks are memory, and gone.
        """
        for path in directory.iterdir():
            if path.suffix == MARK:
                path.unlink()
            else:
                path.write_bytes(synced.get(path.stat().st_ino, b""))


@pytest.mark.parametrize("sync", [True, False], ids=["fsync", "os, the control"])
def test_synced_bytes_hold_what_was_promised(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    """
    Counting the bytes that were truly synced at the moment of each promise: with `fsync` a power cut at any moment
    loses nothing that was promised. With `os`, the control, it does: the simulated cut does take what was not synced.
    """
    rng = random.Random(44)
    lost = 0
    for round_number in range(12):
        directory = tmp_path / str(round_number)
        with monkeypatch.context() as patch:
            disk = _Disk(patch)
            patch.setattr(open_segment, "ROOM_FROM_BYTES", rng.choice((100, 10**6)))
            patch.setattr(open_segment, "ROOM_BYTES", 700)
            promised = asyncio.run(_promise_until_cut(directory, clock, disk, sync=sync, rng=rng))
        reader = SpoolReader(directory, lambda _kind, _name, _size: None)
        reader.segments()  # puts in order what the dead writer left
        kept = {page for path in directory.glob("*.seg") for page in pages_of(path.read_bytes()[HEADER.size :])}
        lost += len(promised - kept)

    assert (lost == 0) == sync


async def _promise_until_cut(
    directory: Path, clock: FakeClock, disk: _Disk, *, sync: bool, rng: random.Random
) -> set[str]:
    """
    Write groups until some moment; give what was promised by then, and leave on the disk what was synced by then.
    """
    writer = SpoolWriter(
        directory, clock, asyncio.get_running_loop(), sync=sync, bytes_max=10**9, segment_bytes_max=4096,
        wait_in_place_us=rng.choice((0, 10**9)),
    )  # fmt: skip
    promised: set[str] = set()
    enough = rng.randint(1, 120)
    written = 0
    while len(promised) < enough:
        for _ in range(rng.randint(1, 5)):
            written += 1
            page = f"/{written}"

            def done(error: Exception | None, page: str = page) -> None:
                assert error is None
                promised.add(page)

            writer.append([encode_record(event(path=page))], done)
        await asyncio.sleep(0)
    # The moment of the cut. What happens later happens to nobody.
    by_then, synced = set(promised), dict(disk.synced)
    writer.close()
    disk.cut(directory, synced)
    return by_then


def doctor(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    return subprocess.run(
        [sys.executable, "-m", "daysalt", "doctor"],
        env={**clean, "DAYSALT_DATA_DIR": str(tmp_path / "data"), "DAYSALT_FETCH_LISTS": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def without_keys_directory(keys: Path) -> Generator[None]:
    """
    Put a file where the keys directory was: nobody, not even root, can write a key there.
    """
    away = keys.with_name("keys-away")
    keys.rename(away)
    keys.write_text("in the way")
    try:
        yield
    finally:
        keys.unlink()
        away.rename(keys)


@contextmanager
def read_only(keys: Path) -> Generator[None]:
    """
    Mount the keys directory read-only over itself.
    """
    if subprocess.run(["mount", "--bind", str(keys), str(keys)], capture_output=True, check=False).returncode != 0:
        pytest.skip("a read-only keys directory that stops root, too, needs the right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(keys)], check=True, capture_output=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(keys)], check=True)


@pytest.mark.parametrize("fault", [without_keys_directory, read_only])
def test_unwritable_keys_stop_no_beacon(tmp_path: Path, fault: Callable[[Path], AbstractContextManager[None]]) -> None:
    """
    With keys that cannot be written, collecting goes on under the salts there are; health and doctor say so, a new
    time zone waits; when the keys are back, everything is well by itself.
    """
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        collector = child(server, "collector")
        with CountedSender(server, addresses=SENDERS) as sender:
            until(lambda: len(sender.accepted) > 50, "no beacon was accepted")
            with fault(tmp_path / "data-keys"):
                until(lambda: keys_status(server) == "degraded", "health does not say that keys cannot be written")
                add_site(tmp_path, "site2.test", "Asia/Tokyo")
                before = len(sender.accepted)
                until(lambda: len(sender.accepted) > before + 200, "collecting stopped with the keys")
                assert get(server, "/health/ready").is_success
                assert 503 == get(server, "/health/ready?strict=1").status_code
                assert "x-plausible-dropped" in send_one(server, "/new-zone", "site2.test").headers
                found = doctor(tmp_path)
                assert 1 == found.returncode
                assert "keys directory" in found.stdout + found.stderr
            until(lambda: keys_status(server) == "ok", "it did not recover")
            until(lambda: "x-plausible-dropped" not in send_one(server, "/z", "site2.test").headers, "no new salt")
        assert ({}, 0) == (dict(sender.refused), sender.broken)
        assert [collector] == children_of(server.process.pid, "collector")
        check_counts(server, sender.accepted)
    check_nobody_is_named(tmp_path)


def keys_status(server: Server) -> str:
    return get(server, "/health/ready").json()["parts"]["keys"]["status"]


def test_two_keepers_on_one_keys_directory(tmp_path: Path) -> None:
    """
    With data directories of their own but one keys directory, the second keeper is told why it cannot start, and the
    first goes on.
    """
    keys = tmp_path / "data-keys"
    add_site(tmp_path)
    with run_server(tmp_path) as server:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
        second = subprocess.run(
            [sys.executable, "-m", "daysalt", "serve", "--port", str(free_port())],
            env={
                **clean,
                "DAYSALT_DATA_DIR": str(tmp_path / "other"),
                "DAYSALT_KEYS_DIR": str(keys),
                "DAYSALT_FETCH_LISTS": "0",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 202 == send_one(server).status_code

    assert (1, 1) == (second.returncode, len(second.stderr.strip().splitlines()))
    assert "in use" in second.stderr
    # The control: with the first keeper gone, the same keys open.
    Keyring(keys, keys / "root.key", SystemClock()).check_writable()


def test_control_keyring_that_is_gone_is_noticed(tmp_path: Path, clock: FakeClock) -> None:
    """
    What health looks at tells a keyring that is there from one that is gone.
    """
    keyring = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)
    keyring.check_writable()
    (tmp_path / "keys" / "keyring.json").unlink()

    with pytest.raises(KeyringError, match="is gone"):
        keyring.check_writable()
