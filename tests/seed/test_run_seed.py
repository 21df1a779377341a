"""
Promises of `daysalt seed` without a server: it runs in a process of its own, for the engine allows one store each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from daysalt.traffic.fill import SeedError
from daysalt.traffic.one_beacon import send_one
from warehouse.settings import load_settings

RUN = """
import sys, json
from daysalt.seed import run_seed
from warehouse.settings import load_settings
sys.exit(run_seed(load_settings({"DAYSALT_DATA_DIR": sys.argv[1]}), **json.loads(sys.argv[2])))
"""

LOOK = """
import sys, json
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry
registry = Registry(f"sqlite:///{sys.argv[1]}/registry.sqlite", SystemClock())
warehouse = Warehouse(f"chdb://{sys.argv[1]}/warehouse")
sites = [[site.domain, site.timezone, site.public, len(registry.goals.all(site.id))] for site in registry.sites.all()]
print(json.dumps([sites, warehouse.query("SELECT uniq(site_id), uniq(day) FROM events")]))
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, int, int]:
    told = json.loads(done.stdout)
    return done.returncode, len(told["seeded"]), len(told["refused"])


def test_the_demo_is_made_once(tmp_path: Path) -> None:
    """
    `--demo` makes three public sites with time zones and goals, fills them, and leaves filled ones as they are.
    """
    chosen = json.dumps({"demo": True, "days": 2, "events_per_day": 60, "as_json": True})
    first = run(RUN, str(tmp_path), chosen)
    second = run(RUN, str(tmp_path), chosen)
    sites, counts = json.loads(run(LOOK, str(tmp_path)).stdout)

    assert outcome(first) == (0, 3, 0)
    assert outcome(second) == (0, 0, 3)
    assert sites == [
        ["fjallkiosken.example", "Europe/Stockholm", True, 4],
        ["notes.byteharbour.example", "America/New_York", True, 3],
        ["stadsmuseet.example", "Europe/Stockholm", True, 4],
    ]
    assert counts[0][0] == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"days": 0}, "--days is 0, but must be from 1 to 730"),
        ({"events_per_day": -1}, "--events-per-day is -1, but must be from 0 to 1000000"),
        ({"domain": "nobody.test"}, "there is no site nobody.test: add it with `daysalt site add nobody.test`"),
        ({}, "there is no site to fill: add one with `daysalt site add DOMAIN`, or use --demo"),
    ],
)
def test_bad_input_gets_one_sentence(tmp_path: Path, arguments: dict[str, object], sentence: str) -> None:
    """
    What cannot be done is said in one sentence that names the value and what to do.
    """
    done = run(RUN, str(tmp_path), json.dumps(arguments))

    assert (1, f"daysalt: {sentence}") == (done.returncode, done.stderr.strip())


def test_one_beacon_without_a_server(tmp_path: Path) -> None:
    """
    `--one` with no server running says where it looked and how to start one.
    """
    settings = load_settings({"DAYSALT_DATA_DIR": str(tmp_path), "DAYSALT_PORT": "1"})

    with pytest.raises(SeedError, match=r"no server answered on http://127\.0\.0\.1:1: start it with"):
        send_one(settings, "shop.test", as_json=False)
