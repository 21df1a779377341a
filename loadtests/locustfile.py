"""
The load test as locust runs it: `locust -f loadtests/locustfile.py`, or by `make load`, which also makes the server,
counts what was stored and writes the report.

Locust's own client manages some hundred requests a second of one core, less than a collector by two orders of
magnitude. Here a user is a process of its own (`loadtests/sender.py`) with kept connections and prepared requests; its
figures come in four times a second and are merged into locust's statistics the way a worker's are. Failures fire
locust's `request` event one by one, up to `FIRED_MAX` a report; every report fires `beacons`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from locust import User, events, task
from locust.env import Environment
from locust.event import EventHook
from locust.stats import StatsEntry, bucket_response_time

from loadtests.locust_names import PLAN_VARIABLE, PROGRESS_VARIABLE
from loadtests.sender import Plan

FIRED_MAX = 20

beacons = EventHook()
"""Fired with `report`, the line of a sender, for those who want to listen."""


class SendingUser(User):
    """
    One sender: a core's worth of load. Start as many as there are cores to spare.
    """

    started = 0
    running = 0

    def on_start(self) -> None:
        """
        Take the next share of the plan.
        """
        self.index = SendingUser.started
        SendingUser.started += 1
        SendingUser.running += 1

    @task
    def drive(self) -> None:
        """
        Send the share to its end; the last sender's end is the end of the load test.
        """
        plan_path = os.environ[PLAN_VARIABLE]
        plan = Plan.read(Path(plan_path))
        if self.index < plan.senders:
            self._follow(plan, [sys.executable, "-m", "loadtests.sender", plan_path, str(self.index)])
        SendingUser.running -= 1
        if SendingUser.running == 0 and self.environment.runner is not None:
            self.environment.runner.quit()
        self.stop()

    def _follow(self, plan: Plan, command: list[str]) -> None:
        environment: Environment = self.environment
        name = "/api/events" if plan.load_profile().events_in_request > 1 else "/api/event"
        progress = os.environ.get(PROGRESS_VARIABLE)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                report = json.loads(line)
                _merge(environment, name, report)
                beacons.fire(report=report)
                if progress:
                    with Path(progress).open("a", encoding="utf-8") as file:
                        file.write(line)
        if process.returncode != 0:
            self.environment.process_exit_code = 1


def _merge(environment: Environment, name: str, report: dict[str, Any]) -> None:
    now = time.time()
    entry = StatsEntry(environment.stats, name, "POST")
    entry.start_time = now
    for latency, count in report["latencies_ms"].items():
        milliseconds = float(latency)
        entry.num_requests += count
        entry.total_response_time += round(milliseconds * count)
        bucket = bucket_response_time(milliseconds)
        entry.response_times[bucket] += count
        entry.min_response_time = round(min(milliseconds, entry.min_response_time or milliseconds))
        entry.max_response_time = round(max(milliseconds, entry.max_response_time))
    if entry.num_requests:
        entry.num_reqs_per_sec[int(now)] = entry.num_requests
        entry.last_request_timestamp = now
        environment.stats.entries[name, "POST"].extend(entry)
        environment.stats.total.extend(entry)
    for kind, count in report["errors"].items():
        for _ in range(min(count, FIRED_MAX)):
            environment.events.request.fire(
                request_type="POST",
                name=name,
                response_time=None,
                response_length=0,
                exception=RuntimeError(kind),
                context={},
            )


@events.test_start.add_listener
def check_plan(environment: Environment, **_: object) -> None:
    """
    Say what is missing before anything is sent.
    """
    if PLAN_VARIABLE not in os.environ:
        print(f"{PLAN_VARIABLE} is not set: start it by `make load PROFILE=steady`", file=sys.stderr)
        environment.process_exit_code = 2
        if environment.runner is not None:
            environment.runner.quit()
