"""
Who comes first where a core is wanted by several.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from daysalt.niceness import MERGE_NICENESS, MERGE_THREAD, STORE_NICENESS, step_merges_back
from tests.processes.family import children_of, until
from tests.server import run_server


def _niceness(pid: int) -> dict[str, set[int]]:
    by_name: dict[str, set[int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        by_name.setdefault(name, set()).add(os.getpriority(os.PRIO_PROCESS, int(task.name)))
    return by_name


@pytest.mark.server
@pytest.mark.timeout(180)
@pytest.mark.skipif(sys.platform != "linux", reason="threads are told by Linux")
def test_collecting_before_storing_before_merging(tmp_path: Path) -> None:
    """
    A collector is as nice as its keeper, the store nicer, its merges nicest.
    """
    with run_server(tmp_path) as server:
        keeper = server.process.pid
        own = os.getpriority(os.PRIO_PROCESS, keeper)
        store, collector = children_of(keeper, "store")[0], children_of(keeper, "collector")[0]
        until(lambda: MERGE_THREAD in _niceness(store), "the engine has no threads for merges")
        by_name = _niceness(store)

        assert {own} == set().union(*_niceness(collector).values())
        # Its other threads, the drain's among them, have theirs from the first one.
        assert min(own + STORE_NICENESS, MERGE_NICENESS) == os.getpriority(os.PRIO_PROCESS, store)
        assert {MERGE_NICENESS} == by_name[MERGE_THREAD]


def test_a_system_without_threads_to_see_is_left_alone(tmp_path: Path) -> None:
    """
    Without a list of threads, or with others only, nothing is done and nothing fails.
    """
    other = tmp_path / "1"
    other.mkdir()
    (other / "comm").write_text("python\n")
    (tmp_path / "2").mkdir()

    assert 0 == step_merges_back(tmp_path / "absent")
    assert 0 == step_merges_back(tmp_path)
