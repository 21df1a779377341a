"""
Run the benchmarks and print the table: `make bench`, or `make bench ROWS=single,os`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import httpx

from loadtests.loading import generator_name
from loadtests.machine import commit, load_average, machine
from loadtests.measured import HEAD, Skipped
from loadtests.rows import choose
from loadtests.running import two_cores


def main() -> int:
    """
    Run the rows of `ROWS`, or all.

    Returns:
        1 when a row could not be run, or its figure is void because stored and accepted events differ; 2 for a wrong
        `ROWS`. A row below its must is a figure like any other.
    """
    try:
        rows = choose(os.environ.get("ROWS", ""))
    except ValueError as error:
        print(f"ROWS: {error}", file=sys.stderr)
        return 2
    pinned_to = "server on one core, load on another" if two_cores()[0] is not None else "not pinned to cores"
    print(
        f"{machine()}; commit {commit()}; {pinned_to}; closed loops by {generator_name()}; "
        f"load average before {load_average()}",
        flush=True,
    )
    lines: list[str] = []
    sound = True
    for number, row in enumerate(rows, 1):
        print(f"[{number}/{len(rows)}] {row.name}: {row.measures}", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            measured = row.run()
        except Skipped as reason:
            lines.append(row.line_without(f"skipped: {reason}"))
        except (RuntimeError, subprocess.SubprocessError, OSError, httpx.HTTPError) as error:
            lines.append(row.line_without(f"could not be run: {' '.join(str(error).split())[-300:]}"))
            sound = False
        else:
            lines.append(row.line(measured))
            sound = sound and (measured.counted is None or measured.counted.exact)
        print(f"    {lines[-1]}\n    {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print("\n" + HEAD + "\n" + "\n".join(lines))
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
