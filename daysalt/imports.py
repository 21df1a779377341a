"""
`daysalt import`: a file is read here, and stored by whoever has the store: the running server, or this command under
the data directory's lock.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from daysalt.closer import Closer
from daysalt.commands.store import Answer, with_store
from daysalt.progress import Report
from ingest.imports.importer import IMPORTS_DIR, Importer
from ingest.imports.kinds import ACCESS_LOG, HEAD_BYTES, NDJSON, TOTALS, kind_of_head
from ingest.imports.line import ImportTarget, LineReader
from ingest.imports.log_reader import LogReader
from ingest.imports.outcome import Outcome, finish_outcome
from ingest.imports.reading import MakeReader, new_reading
from ingest.imports.staging import Staged
from ingest.imports.totals_reading import TotalsSite, read_totals
from ingest.imports.visitors import ImportedVisitors
from ingest.place import PlaceReader
from ingest.safe_event import VisitSeeds
from ingest.word_files import WordFiles
from warehouse.client import Warehouse
from warehouse.clock import Clock
from warehouse.data_dir import make_data_dir
from warehouse.imports import ImportRefused, ImportRow, id_text
from warehouse.migrate import migrate
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.settings import Settings

READ_BYTES = 1024 * 1024
STDIN = Path("-")
EPOCH = date(1970, 1, 1)


def import_file(settings: Settings, clock: Clock, site: Site, path: Path, kind: str, report: Report) -> Answer:
    """
    Bring a file into a site.

    Args:
        path: `-` reads standard input.
        kind: one of `KINDS`, or empty: the file tells.

    Returns:
        The facts of `Outcome`, and the format, what was left out, and the days.

    Raises:
        ImportRefused: the file or the moment is wrong; the text says what to do.
        OSError: the file cannot be read, or the data directory not be written.
        CommandError, SocketRefused, WarehouseUnavailable, WarehouseRefused: the store cannot take it now.
    """
    make_data_dir(settings.data_dir)
    WordFiles(settings.lists_dir, clock).refresh()
    with _opened(path) as (file, size):
        head = _read(file, HEAD_BYTES)
        kind = kind or (kind_of_head(head) if head else NDJSON)
        if kind == TOTALS:
            return import_totals(settings, clock, site, path, report)
        reader: list[LogReader] = []
        make = partial(_log_reader, settings, reader) if kind == ACCESS_LOG else LineReader
        outcome = _stage_and_store(settings, clock, site, path, kind, make, (head, file, size), report)
    left_out = dict(sorted(reader[0].left_out.items())) if reader else {}
    days = (outcome.first_day, outcome.last_day)
    return {
        **outcome.facts(),
        "format": kind,
        "left_out": left_out,
        "first_day": days[0].isoformat() if days[0] else None,
        "last_day": days[1].isoformat() if days[1] else None,
    }


def import_totals(settings: Settings, clock: Clock, site: Site, path: Path, report: Report) -> Answer:
    """
    Take over the daily totals of a CSV export. Nothing of it is stored when a line is wrong.

    Returns:
        As `import_file`; a rejected line names its file, too.

    Raises:
        As `import_file`.
    """
    if path == STDIN:
        raise ImportRefused("a ZIP archive cannot be read from standard input: give the name of the file")
    answer = _ask_imports(settings, clock, site.id)
    first = answer["first_counted"]
    today = site.days.day_of(datetime.fromtimestamp(clock.now_ms() / 1000, UTC))
    known = [row_of(fields) for fields in answer["imports"]]
    target = TotalsSite(site.id, today, date.fromisoformat(first) if first else None, known)
    staged, taken = read_totals(settings.data_dir / IMPORTS_DIR, path, target, path.name, report)
    lines, days = 0, list[date]()
    if staged is not None:
        lines, _ = _store(settings, clock, staged, report)
        days = [EPOCH + timedelta(days=day) for day in staged.plan.days]
    facts: Answer = {
        "imported": lines,
        "rejected": [asdict(one) for one in taken.wrong],
        "repeated": taken.repeated,
        "id": id_text(staged.plan.number) if staged is not None else None,
        "format": TOTALS,
        "left_out": dict(sorted(taken.left_out.items())),
        "first_day": days[0].isoformat() if days else None,
        "last_day": days[-1].isoformat() if days else None,
    }
    if taken.wrong_count > len(taken.wrong):
        facts["rejected_count"] = taken.wrong_count
    return facts


def _stage_and_store(
    settings: Settings,
    clock: Clock,
    site: Site,
    path: Path,
    kind: str,
    make: MakeReader,
    opened: tuple[bytes, BinaryIO, int],
    report: Report,
) -> Outcome:
    known = imports_of(settings, clock, site.id)
    head, file, size = opened
    reading = new_reading(settings.data_dir / IMPORTS_DIR, site, clock.now_ms(), known, make)
    try:
        done = 0
        while head:
            reading.intake.feed(head)
            done += len(head)
            report("reading", done, size)
            head = _read(file, READ_BYTES)
        staged = reading.seal(kind, "" if path == STDIN else path.name)
    except BaseException:
        reading.stage.discard()
        raise
    outcome = Outcome(repeated=reading.intake.repeated, rejections=reading.intake.rejections)
    if staged is not None:
        finish_outcome(outcome, staged.plan, *_store(settings, clock, staged, report))
    return outcome


def _store(settings: Settings, clock: Clock, staged: Staged, report: Report) -> tuple[int, list[int]]:
    # Whoever stores it takes it from here, even when this command is gone.
    staged.release()
    plan = staged.plan

    def alone(warehouse: Warehouse) -> Answer:
        events, lines = _importer(settings, clock, warehouse).store_staged(
            plan.site_id, plan.number, lambda stored, total: report("storing", stored, total)
        )
        return {"events": events, "without_visit": list(lines)}

    answer = with_store(settings, alone, "import_store", report, site_id=plan.site_id, number=plan.number)
    return int(answer["events"]), answer["without_visit"]


def imports_of(settings: Settings, clock: Clock, site_id: int) -> list[ImportRow]:
    """
    List the imports of a site, the oldest first; what an earlier process left unfinished is finished before.

    Raises:
        CommandError, SocketRefused, WarehouseUnavailable: the store cannot be asked now.
    """
    return [row_of(fields) for fields in _ask_imports(settings, clock, site_id)["imports"]]


def _ask_imports(settings: Settings, clock: Clock, site_id: int) -> Answer:
    def alone(warehouse: Warehouse) -> Answer:
        importer = _importer(settings, clock, warehouse)
        importer.resume()
        return imports_answer(importer, site_id)

    return with_store(settings, alone, "import_list", site_id=site_id)


def imports_answer(importer: Importer, site_id: int) -> Answer:
    """
    Write for the socket: the imports of a site, and its first day that has events.
    """
    first = importer.first_counted(site_id)
    return {
        "imports": [row_fields(row) for row in importer.listed(site_id)],
        "first_counted": first.isoformat() if first else None,
    }


def remove_import(settings: Settings, clock: Clock, site_id: int, text: str) -> Answer:
    """
    Take an import out of a site.

    Returns:
        `id` and `events`.

    Raises:
        ImportRefused, SocketRefused: it cannot be removed; the text says why.
    """

    def alone(warehouse: Warehouse) -> Answer:
        row, events = _importer(settings, clock, warehouse).remove(site_id, text)
        return {"id": row.id, "events": events}

    return with_store(settings, alone, "import_remove", site_id=site_id, id=text)


def row_fields(row: ImportRow) -> dict[str, Any]:
    """
    Write an import for the socket.
    """
    return {
        **asdict(row),
        "stored": row.stored.isoformat(),
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
    }


def row_of(fields: dict[str, Any]) -> ImportRow:
    """
    Read an import from the socket.
    """
    row = ImportRow(**fields)
    return replace(
        row,
        stored=datetime.fromisoformat(str(row.stored)),
        first_day=date.fromisoformat(str(row.first_day)),
        last_day=date.fromisoformat(str(row.last_day)),
    )


def _importer(settings: Settings, clock: Clock, warehouse: Warehouse) -> Importer:
    migrate(warehouse, clock)
    resting = threading.Lock()

    def changed(site_id: int, days: Sequence[date]) -> None:
        registry = Registry(settings.registry_url, clock)
        try:
            Closer(warehouse, registry, clock, resting=resting, caught_up_ms=clock.now_ms).changed(site_id, days)
        finally:
            registry.close()

    return Importer(settings.data_dir, warehouse, clock, resting=resting, changed=changed)


def _log_reader(
    settings: Settings,
    made: list[LogReader],
    target: ImportTarget,
    visitors: ImportedVisitors,
    seeds: VisitSeeds,
) -> LogReader:
    made.append(LogReader(target, visitors, seeds, PlaceReader(settings.geo_db or settings.lists_dir / "country.mmdb")))
    return made[-1]


@contextmanager
def _opened(path: Path) -> Generator[tuple[BinaryIO, int]]:
    if path == STDIN:
        yield sys.stdin.buffer, 0
        return
    with path.open("rb") as file:
        yield file, path.stat().st_size


def _read(file: BinaryIO, size: int) -> bytes:
    read: Callable[[int], bytes] = getattr(file, "read1", file.read)
    return read(size)
