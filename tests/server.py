"""
The real server as a child process: started, awaited, stopped or killed as its owner would.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_DEADLINE_S = 60
STOP_DEADLINE_S = 15
SITE_DEADLINE_S = 5
"""From the contract, section 2."""
ADMIN_KEY = "admin-key-of-the-tests-0001"
_ROOT = Path(__file__).parent.parent


@dataclass(slots=True)
class Server:
    """
    A running server and what belongs to it.
    """

    base_url: str
    data_dir: Path
    admin_key: str
    process: subprocess.Popen[bytes]
    output: Path
    """Where everything goes that it prints."""

    def stop(self) -> int:
        """
        Ask it to end (SIGTERM) and give its exit code.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not stopped after {STOP_DEADLINE_S} s\n{self.said()}") from None

    def kill(self) -> None:
        """
        End it and its children at once (SIGKILL to the group), as a crash of the machine would.
        """
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_DEADLINE_S)

    def await_site(self, domain: str) -> None:
        """
        Wait until a new site has reached the collectors, which may take `SITE_DEADLINE_S`.

        Asks with an engagement that belongs to no visit: it is told apart by the collector, and counts nowhere.
        """
        ends = time.monotonic() + SITE_DEADLINE_S
        beacon = {"n": "engagement", "u": f"http://{domain}/", "d": domain, "sd": 1}
        with httpx.Client(trust_env=False, headers={"user-agent": "Mozilla/5.0 (nobody)"}) as client:
            while client.post(f"{self.base_url}/api/event", json=beacon).headers.get("x-daysalt-dropped"):
                assert time.monotonic() < ends, f"{domain} is unknown to the collector after {SITE_DEADLINE_S} s"
                time.sleep(0.05)

    def metric(self, name: str) -> float:
        """
        Read one figure of `/metrics`, summed over its labels; 0 while there is none. At most a second old.
        """
        text = httpx.get(f"{self.base_url}/metrics", trust_env=False, timeout=10).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.split(" ")[0].split("{")[0] == name)

    def said(self) -> str:
        """
        Give the end of what it printed.
        """
        return self.output.read_text(encoding="utf-8", errors="replace")[-8000:]


@contextmanager
def run_server(tmp_path: Path, *, parts: tuple[str, ...] = ("store",), **settings: str) -> Generator[Server]:
    """
    Start `daysalt serve` on a free port and wait until it is ready; stop it at the end, and show its output if the
    test failed.

    Args:
        tmp_path: the data directory is `data` in it, the same for each start with the same path.
        parts: what must be `ok` in `/health/ready` beyond its 200, which only says that beacons are accepted.
        settings: as in the table of settings, by field name, such as `base_url="http://..."`; `port` among them.
    """
    port = settings.pop("port", None) or str(free_port())
    output = tmp_path / f"server-{port}-{time.monotonic_ns()}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    environment |= {"DAYSALT_FETCH_LISTS": "0", "DAYSALT_ADMIN_KEY": ADMIN_KEY, "PYTHONUNBUFFERED": "1"}
    environment |= {f"DAYSALT_{name.upper()}": value for name, value in settings.items()}
    data_dir = tmp_path / "data"
    command = [sys.executable, "-m", "daysalt", "serve", "--data-dir", str(data_dir), "--port", port]
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}", data_dir, environment["DAYSALT_ADMIN_KEY"], process, output)
    try:
        _await_ready(server, parts)
        yield server
        if process.poll() is None:
            server.stop()
    except BaseException:
        print(f"--- {output.name} ---\n{server.said()}")
        raise
    finally:
        server.kill()


def free_port() -> int:
    """
    Find a port nobody listens on.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(server: Server, parts: tuple[str, ...]) -> None:
    ends = time.monotonic() + READY_DEADLINE_S
    last = "no answer"
    with httpx.Client(base_url=server.base_url, timeout=5, trust_env=False) as client:
        while time.monotonic() < ends:
            assert server.process.poll() is None, f"ended with {server.process.returncode}\n{server.said()}"
            try:
                answer = client.get("/health/ready")
            except httpx.TransportError as error:
                last = type(error).__name__
            else:
                if answer.is_success and all(answer.json()["parts"][part]["status"] == "ok" for part in parts):
                    return
                last = f"{answer.status_code} {answer.text}"
            time.sleep(0.05)
    raise AssertionError(f"not ready after {READY_DEADLINE_S} s: {last}\n{server.said()}")
