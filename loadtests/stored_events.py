"""
Reads the numbers of stored events out of a stopped server's embedded store: `python -m loadtests.stored_events
DATA_DIR FILE`. A process of its own, as the engine wants one for itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from loadtests.outcome import Numbers
from loadtests.traffic import NUMBER_PROP
from warehouse.client import Warehouse


def read_stored(data_dir: Path) -> tuple[Numbers, Numbers]:
    """
    Read, in a process of its own, the number of every stored event and how often it is stored.

    Raises:
        RuntimeError: the store could not be read.
    """
    file = data_dir.parent / "stored.npz"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAYSALT_")}
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.stored_events", str(data_dir), str(file)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the store could not be read: {done.stderr.strip()[-300:]}")
    with np.load(file) as kept:
        return kept["numbers"], kept["counts"]


def _main(data_dir: Path, file: Path) -> None:
    warehouse = Warehouse(f"chdb://{data_dir / 'warehouse'}")
    chunks: list[bytes] = []
    try:
        warehouse.copy_out(
            f"SELECT toInt64(props['{NUMBER_PROP}']) AS n, count() AS c FROM events WHERE name = 'pageview' GROUP BY n",
            chunks.append,
        )
    finally:
        warehouse.close()
    lines = b"".join(chunks).split(b"\n", 1)[1]
    found = np.array(lines.split(), dtype=np.int64).reshape(-1, 2)
    np.savez(file, numbers=found[:, 0], counts=found[:, 1])


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
