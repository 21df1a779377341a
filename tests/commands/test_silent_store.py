"""
A store that has the data directory and says nothing: `daysalt doctor` is asked just then.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daysalt.checks import service
from daysalt.doctor import examine
from warehouse.data_dir import STORE_SOCKET, lock_data_dir
from warehouse.local_socket import bind_private


def test_doctor_does_not_wait_for_a_store_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which part does not answer, and looks at the rest."""
    data_dir = tmp_path / "data"
    monkeypatch.setattr(service, "ANSWER_SECONDS_MAX", 0.1)
    with lock_data_dir(data_dir), bind_private(data_dir / STORE_SOCKET):
        found = {check.name: check for check in examine(data_dir, privacy=False)}

    assert "unwell" == found["warehouse"].state
    assert "did not answer" in found["warehouse"].finding
    assert "python" in found
