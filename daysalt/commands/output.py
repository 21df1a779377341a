"""
How commands print: tables for people on a terminal, tab-separated lines in a pipe, JSON when asked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from daysalt.progress import Report


def print_json(value: object) -> None:
    """
    Print a value as indented JSON.
    """
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """
    Print rows; a sentence instead when there are none and a person looks.
    """
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
    elif not rows:
        print(empty)
    else:
        table = Table(header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        Console().print(table)


def note(sentence: str) -> None:
    """
    Tell the person something beside the answer: on stderr, so that a pipe gets the answer alone.
    """
    print(sentence, file=sys.stderr)


def day_text(epoch_ms: int) -> str:
    """
    Write a moment as its day and minute UTC.
    """
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def bytes_text(count: int) -> str:
    """
    Write a number of bytes for people.
    """
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@contextmanager
def progress_bar(*, quiet: bool) -> Generator[Report]:
    """
    Show progress on stderr while something long runs; nothing when nobody looks.
    """
    console = Console(stderr=True)
    shown = console.is_terminal and not quiet
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not shown) as progress:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int, /) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total or None)
            progress.update(tasks[what], completed=done, total=total or None)

        yield report


@contextmanager
def working(what: str, *, quiet: bool) -> Generator[Callable[[str], None]]:
    """
    Show on stderr that something runs, and the sentences it reports; only the latter when nobody looks.
    """
    console = Console(stderr=True, quiet=quiet)
    with console.status(what):
        yield lambda sentence: console.print(sentence, markup=False, highlight=False, soft_wrap=True)
