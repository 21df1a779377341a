"""
The load test for operators: `make load PROFILE=viral`, or `python -m loadtests.load viral --host http://HOST:PORT`.

Without a host it starts a throw-away server, and compares what is stored with what was accepted event by event.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from loadtests.locust_names import PLAN_VARIABLE, PROGRESS_VARIABLE
from loadtests.machine import commit, machine
from loadtests.outcome import Sent, Stored, compare_events, put_together
from loadtests.profile import PROFILES_DIR, Profile, ProfileError, read_profile
from loadtests.report import Report
from loadtests.running import running_server
from loadtests.sender import Plan
from loadtests.stored_events import read_stored
from loadtests.target import Target, TargetError, read_target
from loadtests.traffic import DOMAIN, Traffic

REPORTS_DIR = Path(__file__).parent / "reports"
EXTRA_SECONDS = 60.0
"""So much longer than its profile may a load test take before it is ended."""


class LoadFailed(Exception):
    """
    The load could not be made; the text says why.
    """


def arguments() -> argparse.Namespace:
    """
    Read the command line.
    """
    names = ", ".join(sorted(path.stem for path in PROFILES_DIR.glob("*.toml")))
    parser = argparse.ArgumentParser(prog="python -m loadtests.load", description=__doc__)
    parser.add_argument("profile", help=f"one of {names}, or a path to a .toml file")
    parser.add_argument(
        "--host", default="", help="http://host:port of a server; its DAYSALT_ADMIN_KEY in the environment"
    )
    parser.add_argument("--yes-i-own-it", action="store_true", help="needed for a server on another machine")
    parser.add_argument("--scale", type=float, default=1.0, help="stretch the profile's time, such as 0.1")
    parser.add_argument("--senders", type=int, default=1, help="sending processes; one drives a core (default 1)")
    return parser.parse_args()


def main() -> int:
    """
    Run one load test and print its page.

    Returns:
        0 when everything accepted is stored once; 1 when not, or when the load could not be made; 2 for wrong
        arguments.
    """
    chosen = arguments()
    try:
        profile = read_profile(chosen.profile, scale=chosen.scale)
        target = (
            read_target(chosen.host, os.environ.get("DAYSALT_ADMIN_KEY", ""), own=chosen.yes_i_own_it)
            if chosen.host
            else None
        )
    except (ProfileError, TargetError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="daysalt-load-") as name:
            report = _run(chosen, profile, target, Path(name))
    except (LoadFailed, TargetError, RuntimeError, httpx.HTTPError, OSError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    print(report.text())
    REPORTS_DIR.mkdir(exist_ok=True)
    page = REPORTS_DIR / f"{profile.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.html"
    page.write_text(report.html(), encoding="utf-8")
    print(f"\n  page: {page}")
    return 0 if report.stored.sound else 1


def _run(chosen: argparse.Namespace, profile: Profile, target: Target | None, directory: Path) -> Report:
    run = secrets.token_hex(4)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    if target is not None:
        target.prepare_site()
        sent, seconds = _send(_plan(chosen, target, run, directory), profile, directory)
        traffic = Traffic(profile, run, target.key)
        stored = target.compare(traffic, run, sent.outcomes, profile.events_in_request)
        name = target.url
    else:
        try:
            with running_server(directory, None, domain=DOMAIN) as server:
                own = Target("127.0.0.1", server.port, server.admin_key)
                sent, seconds = _send(_plan(chosen, own, run, directory), profile, directory)
                server.settled()
        except (httpx.HTTPError, OSError) as error:
            raise LoadFailed(f"the throw-away server went away ({error}); it said:\n{_log(directory)}") from error
        stored = _compare(directory / "data", sent, profile)
        if not stored.sound:
            print(_log(directory), file=sys.stderr)
        name = "a throw-away server on this machine"
    return Report(profile, sent, stored, name, machine(), commit(), when, seconds)


def _log(directory: Path) -> str:
    return (directory / "server.log").read_text(encoding="utf-8")[-4000:]


def _plan(chosen: argparse.Namespace, target: Target, run: str, directory: Path) -> Plan:
    return Plan(target.host, target.port, chosen.profile, chosen.scale, run, target.key, str(directory), chosen.senders)


def _compare(data_dir: Path, sent: Sent, profile: Profile) -> Stored:
    numbers, counts = read_stored(data_dir)
    return compare_events(sent.outcomes, profile.events_in_request, numbers, counts)


def _send(plan: Plan, profile: Profile, directory: Path) -> tuple[Sent, float]:
    plan_file, progress = directory / "plan.json", directory / "progress"
    plan.write(plan_file)
    progress.touch()
    command = [
        sys.executable, "-m", "locust", "-f", str(Path(__file__).parent / "locustfile.py"), "--headless",
        "--only-summary", "-u", str(plan.senders), "-r", str(plan.senders), "-H", f"http://{plan.host}:{plan.port}",
        "--run-time", f"{profile.seconds + EXTRA_SECONDS:.0f}s", "--exit-code-on-error", "0",
    ]  # fmt: skip
    environment = {**os.environ, PLAN_VARIABLE: str(plan_file), PROGRESS_VARIABLE: str(progress)}
    with (directory / "locust.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            last = _follow(process, progress, profile)
        finally:
            process.terminate()
            process.wait(30)
    tallies = [plan.tally_path(index) for index in range(plan.senders)]
    if process.returncode != 0 or not all(path.exists() for path in tallies):
        said = (directory / "locust.log").read_text(encoding="utf-8")[-2000:]
        raise LoadFailed(f"the senders did not finish (exit code {process.returncode}):\n{said}")
    return put_together(tallies), last


def _follow(process: subprocess.Popen[bytes], progress: Path, profile: Profile) -> float:
    last = 0.0
    offered = accepted = failed = 0
    columns = (
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[told]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(profile.name, total=profile.seconds, told="starting")
        for report in _reports(process, progress):
            last = max(last, float(str(report["elapsed"])))
            offered += int(str(report["offered"]))
            accepted += int(str(report["accepted"]))
            failed += sum(cast("dict[str, int]", report["errors"]).values())
            told = f"offered {offered * profile.events_in_request:,}  accepted {accepted:,}  errors {failed:,}"
            bar.update(task, completed=min(last, profile.seconds), told=told)
    return last


def _reports(process: subprocess.Popen[bytes], progress: Path) -> Iterator[dict[str, object]]:
    # A file and not a pipe: locust's own output must never block the senders.
    wait = threading.Event()
    with progress.open(encoding="utf-8") as file:
        rest = ""
        while True:
            ended = process.poll() is not None
            rest += file.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                yield json.loads(line)
            if ended:
                return
            wait.wait(0.2)


if __name__ == "__main__":
    sys.exit(main())
