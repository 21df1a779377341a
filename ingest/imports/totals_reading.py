"""
A CSV export on its way into a staging directory: all of it is read and checked before anything of it is stored, so one
wrong line leaves nothing half done. Needs no store.

Days are taken over up to the first day that has events here, that day included, as it was part of both; a day that an
earlier import of totals has is left to that one. So nothing counts twice.
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ingest.imports.kinds import TOTALS
from ingest.imports.staging import Plan, Stage, Staged
from ingest.imports.totals_archive import TableFile, TotalsArchive, shown
from ingest.imports.totals_tables import TABLES, TEXT_CHARS_MAX, Line, Table, counts_of, kept_text
from warehouse.imported_totals import TotalsRow
from warehouse.imports import ID_BITS, LABEL_LENGTH_MAX, ImportRefused, ImportRow, id_text

REJECTIONS_MAX = 1_000
"""How many wrong lines are told one by one; all are counted."""
LABELS_MAX = 50_000
"""Rows of one report and day by name; what comes beyond is one row."""
OVERFLOW = "(overflow)"
NUMBER_DIGITS_MAX = 15
REPORT_LINES = 5_000
"""Progress is told after so many lines."""
COUNTED_HERE, TAKEN_BEFORE, NOT_KEPT = "counted here already", "imported before", "of a kind not kept"
_DAY_0 = date(1970, 1, 1)

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class WrongLine:
    """
    A line that cannot be taken: file, number, and why.
    """

    file: str
    line: int
    error: str


@dataclass(slots=True)
class TotalsTaken:
    """
    What became of the lines of an export.
    """

    lines: int = 0
    repeated: int = 0
    """Lines that an earlier import of the same export brought."""
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    wrong: list[WrongLine] = field(default_factory=list[WrongLine])
    wrong_count: int = 0

    def reject(self, file: str, line: int, error: str) -> None:
        """
        Note a wrong line; beyond `REJECTIONS_MAX` it is counted only.
        """
        self.wrong_count += 1
        if len(self.wrong) < REJECTIONS_MAX:
            self.wrong.append(WrongLine(file, line, error))

    def leave_out(self, reason: str) -> None:
        """
        Count a line that is not taken, though nothing is wrong with it.
        """
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


@dataclass(frozen=True, slots=True)
class TotalsSite:
    """
    Where an export goes.

    Attributes:
        today: the site's local day; later ones did not happen yet.
        first_counted: its first day with events of its own, if there is one.
        known: the imports of the site so far.
    """

    site_id: int
    today: date
    first_counted: date | None
    known: Sequence[ImportRow]

    def reason_against(self, day: date) -> str | None:
        """
        Tell why a day is left out; None when it is taken.
        """
        if self.first_counted is not None and day > self.first_counted:
            return COUNTED_HERE
        if any(row.format == TOTALS and row.first_day <= day <= row.last_day for row in self.known):
            return TAKEN_BEFORE
        return None


class _WrongCell(Exception):
    pass


def read_totals(
    directory: Path, path: Path, site: TotalsSite, label: str, report: Report
) -> tuple[Staged | None, TotalsTaken]:
    """
    Read an export.

    Args:
        directory: where staging directories are.
        path: the ZIP.
        label: name of the file for the list of imports.
        report: told what is done, how many bytes, of how many.

    Returns:
        What is to be stored, None when there is nothing; and what became of the lines. Nothing is to be stored when
        any line was wrong.

    Raises:
        ImportRefused: it is no export; the text says why.
        OSError: it cannot be read, or the directory not be written.
    """
    archive = TotalsArchive(path)
    number = secrets.randbits(ID_BITS) or 1
    try:
        stage = Stage(directory / id_text(number))
        try:
            taken = TotalsTaken()
            days: dict[int, int] = {}
            for file in archive.files:
                _FileReader(archive, file, site, stage, taken, days, report).read()
            report("reading", archive.read_bytes, archive.read_bytes)
            before = next((row for row in site.known if row.format == TOTALS and row.digest == archive.digest), None)
            if before is not None:
                taken.repeated, taken.left_out = before.events, {}
            if before is not None or taken.wrong_count or not days:
                stage.discard()
                return None, taken
            plan = Plan(
                number=number,
                site_id=site.site_id,
                format=TOTALS,
                label=label[:LABEL_LENGTH_MAX],
                content_bytes=archive.read_bytes,
                digest=archive.digest,
                follows=0,
                known=tuple(row.number for row in site.known),
                rejected=0,
                days=dict(sorted(days.items())),
            )
            stage.seal(plan)
            return stage.as_staged(plan), taken
        except BaseException:
            stage.discard()
            raise
    finally:
        archive.close()


class _FileReader:
    """
    Reads one file.
    """

    def __init__(
        self,
        archive: TotalsArchive,
        file: TableFile,
        site: TotalsSite,
        stage: Stage,
        taken: TotalsTaken,
        days: dict[int, int],
        report: Report,
    ) -> None:
        self._archive, self._file, self._site = archive, file, site
        self._stage, self._taken, self._days, self._report = stage, taken, days, report
        self._name = shown(file.name)
        self._lines = archive.lines(file)
        self._at = 0
        """Number of the line unpacked last."""
        self._broken = False
        self._day: int | None = None
        self._sums: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        self._named: dict[str, int] = {}

    def read(self) -> None:
        """
        Read all lines; what is wrong with one is noted.

        Raises:
            ImportRefused: the file is none of an export.
        """
        with closing(self._lines):
            self._read()

    def _read(self) -> None:
        table = TABLES.get(self._file.table)
        rows = csv.reader(self._texts(), strict=True)
        columns: list[str] | None = None
        while True:
            begin = self._at + 1
            self._broken = False
            try:
                cells = next(rows)
            except StopIteration:
                break
            except csv.Error:
                self._taken.reject(self._name, begin, "this is no line of a CSV file: a quote is not closed")
                rows = csv.reader(self._texts(), strict=True)
                continue
            if self._broken:
                self._taken.reject(self._name, begin, "this is no UTF-8 text")
            elif not cells:
                continue
            elif columns is None:
                columns = cells if table is None else self._columns(table, cells)
            elif table is None:
                # A table that newer exports may have, or that has no report here.
                self._taken.leave_out(NOT_KEPT)
            else:
                self._take(table, columns, cells, begin)
            if begin % REPORT_LINES == 0:
                self._report("reading", self._archive.read_bytes, max(self._archive.unpacked_bytes, 1))
        self._hand_on()

    def _texts(self) -> Iterator[str]:
        for number, raw in self._lines:
            self._at = number
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                text = "\ufffd"
                self._broken = True
            if "\0" in text:
                text = "\ufffd"
                self._broken = True
            yield text

    def _columns(self, table: Table, cells: list[str]) -> list[str]:
        known = {"date", *table.texts, *table.numbers}
        strange = [one for one in cells if one not in known]
        if strange:
            raise ImportRefused(
                f"{self._name} has a column {shown(strange[0])!r}: it may have {', '.join(sorted(known))}"
            )
        if len(set(cells)) < len(cells):
            raise ImportRefused(f"{self._name} has a column twice: download the export again")
        for name in ("date", *table.texts[:1]):
            if name not in cells:
                raise ImportRefused(f"{self._name} has no column {name!r}: download the export again")
        return cells

    def _take(self, table: Table, columns: list[str], cells: list[str], number: int) -> None:
        try:
            if len(cells) != len(columns):
                raise _WrongCell(f"it has {len(cells)} cells, the first line names {len(columns)} columns")
            by_name = dict(zip(columns, cells, strict=True))
            day = self._day_of(by_name["date"])
            line = Line(
                {name: _text(name, by_name[name]) for name in table.texts if name in by_name},
                {name: _number(name, by_name[name]) for name in table.numbers if name in by_name},
            )
        except _WrongCell as error:
            self._taken.reject(self._name, number, str(error))
            return
        reason = self._site.reason_against(day)
        if reason is not None:
            self._taken.leave_out(reason)
            return
        here = (day - _DAY_0).days
        if here != self._day:
            # Exports are in the order of days; in another order the rows of a day are more, and add up to the same.
            self._hand_on()
            self._day = here
        self._taken.lines += 1
        self._days[here] = self._days.get(here, 0) + 1
        for report, labels, counts in table.rows(line):
            self._add(report, labels, counts_of(counts))

    def _add(self, report: str, labels: tuple[str, ...], counts: tuple[int, ...]) -> None:
        sums = self._sums.get((report, labels))
        if sums is None:
            if self._named.get(report, 0) >= LABELS_MAX:
                labels = (OVERFLOW,) * len(labels)
                sums = self._sums.get((report, labels))
            if sums is None:
                self._named[report] = self._named.get(report, 0) + 1
                self._sums[report, labels] = list(counts)
                return
        for index, count in enumerate(counts):
            sums[index] += count

    def _hand_on(self) -> None:
        if self._day is not None:
            for (report, labels), counts in self._sums.items():
                first, second, third = (*labels, "", "", "")[:3]
                self._stage.add_totals(TotalsRow(report, self._day, (first, second, third), tuple(counts)))
        self._sums, self._named = {}, {}

    def _day_of(self, text: str) -> date:
        try:
            if len(text) != 10:
                raise ValueError
            day = date.fromisoformat(text)
        except ValueError:
            raise _WrongCell("date: it is no day written as YYYY-MM-DD") from None
        if day <= _DAY_0 or day > self._site.today:
            raise _WrongCell(f"date: {day} is not between 1970-01-02 and today")
        if (
            self._file.first is not None
            and self._file.last is not None
            and not self._file.first <= day <= self._file.last
        ):
            raise _WrongCell(f"date: {day} is not between the days in the name of the file")
        return day


def _text(name: str, text: str) -> str:
    if len(text) > TEXT_CHARS_MAX:
        raise _WrongCell(f"{name}: it is longer than {TEXT_CHARS_MAX:,} characters")
    return kept_text(name, text.strip())


def _number(name: str, text: str) -> int:
    if text in ("", "\\N"):
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX):
        raise _WrongCell(f"{name}: it is no whole number of at most {NUMBER_DIGITS_MAX} digits")
    return int(text)
