"""
What a process does without looks as if it were not installed.
"""

from __future__ import annotations

import subprocess
import sys


def test_left_out_packages_cannot_be_imported() -> None:
    """
    An optional import finds nothing; what was imported before stays.
    """
    script = (
        "import json, sys\n"
        "from daysalt.left_out import leave_out\n"
        "leave_out('json', 'rich')\n"
        "assert sys.modules['json'] is json\n"
        "try:\n    import rich\nexcept ModuleNotFoundError:\n    print('absent')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "absent\n" == done.stdout


def test_the_keeper_holds_neither_engine_nor_arrays() -> None:
    """
    The process that lives longest imports none of the store's parts.
    """
    script = (
        "import sys\n"
        "import daysalt.serve\n"
        "held = {'numpy', 'clickhouse_connect', 'starlette', 'typer', 'uvicorn', 'ua_parser'}\n"
        "print(sorted(held & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
