"""
Run the benchmarks and print the ratio table: `make bench`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

from loadtests.rows import ROWS, Measured, Row, generator_name
from loadtests.running import two_cores


def machine() -> str:
    """
    Describe the machine in one line.
    """
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return (
        f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def commit() -> str:
    """
    Name the commit, and say when the files differ from it.
    """
    try:
        name = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout
        changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.strip() + (" with changes" if changed.strip() else "")


def line(row: Row, measured: Measured) -> str:
    """
    Write one line of the table.
    """
    verdict = (
        "aim reached" if measured.ratio >= row.aim else "must reached" if measured.ratio >= row.must else "below must"
    )
    counted = f"{measured.stored:,} = {measured.accepted:,}" if measured.exact else (
        f"{measured.stored:,} of {measured.accepted:,} (answered {measured.answered:,}): DOES NOT COUNT"
    )  # fmt: skip
    return (
        f"| {row.name} | {measured.ours:,.0f} | {measured.bare:,.0f} | **{measured.ratio:.2f}** | {row.must} "
        f"| {row.aim} | {verdict} | {row.durability} | {counted} | {measured.drain_seconds:.1f} s |"
    )


def main() -> int:
    """
    Run every row.

    Returns:
        1 when a figure does not count because stored and accepted events differ.
    """
    pinned_to = "server on one core, load on another" if two_cores()[0] is not None else "not pinned to cores"
    print(f"{machine()}; commit {commit()}; {pinned_to}; load generator: {generator_name()}", flush=True)
    results: list[tuple[Row, Measured]] = []
    for row in ROWS:
        print(f"running: {row.measures}", file=sys.stderr, flush=True)
        try:
            results.append((row, row.run(row.durability)))
        except (RuntimeError, subprocess.CalledProcessError, OSError) as error:
            print(f"{row.name} could not be run: {error}", file=sys.stderr)
            return 1
    print(
        "\n| row | ours, req/s | bare, req/s | ratio | must | aim | verdict | durability | stored = accepted | drain |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row, measured in results:
        print(line(row, measured))
    return 0 if all(measured.exact for _, measured in results) else 1


if __name__ == "__main__":
    sys.exit(main())
