"""
Numbered, forward-only migrations of the warehouse, and a status that notices a half-applied one.

A row `started` is written before a migration runs and a row `done` after it; a migration that is started but not
done is half applied. If each of its statements says IF [NOT] EXISTS, running it again finishes it, and a crash during
the first start heals by itself; otherwise the server refuses to start on it instead of guessing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from warehouse.client import Warehouse
from warehouse.clock import Clock

_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_REPEATABLE = re.compile(r"\bIF\s+(NOT\s+)?EXISTS\b", re.IGNORECASE)
_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_history (number UInt32, state LowCardinality(String), at DateTime('UTC'))
ENGINE = MergeTree ORDER BY (number, state) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


class MigrationError(Exception):
    """
    The schema is not one this version can work with. The text says what to do.
    """


@dataclass(frozen=True, slots=True)
class Migration:
    """
    One numbered change: a file of statements separated by a line that ends in a semicolon.
    """

    number: int
    name: str
    statements: tuple[str, ...]

    @property
    def repeatable(self) -> bool:
        """
        Running it again after it ran in part gives the same as running it once.
        """
        return all(_REPEATABLE.search(statement) for statement in self.statements)


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """
    Where a warehouse stands. `state` is `done`, `pending` or `half applied`.
    """

    number: int
    name: str
    state: str


def known_migrations() -> tuple[Migration, ...]:
    """
    List the migrations of this version, in order and without a gap.
    """
    found: list[Migration] = []
    for entry in files("warehouse").joinpath("migrations").iterdir():
        match = _NAME.match(entry.name)
        if match:
            text = entry.read_text(encoding="utf-8")
            statements = tuple(part.strip() for part in re.split(r";[ \t]*\n", text + "\n") if _is_statement(part))
            found.append(Migration(int(match[1]), match[2], statements))
    found.sort(key=lambda migration: migration.number)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    return tuple(found)


def migration_status(warehouse: Warehouse, migrations: tuple[Migration, ...] | None = None) -> list[MigrationStatus]:
    """
    Tell the state of every known migration, in order.

    Raises:
        MigrationError: the warehouse was made by a newer version.
    """
    migrations = known_migrations() if migrations is None else migrations
    warehouse.command(_HISTORY)
    started = {row[0] for row in warehouse.query("SELECT number FROM schema_history WHERE state = 'started'")}
    done = {row[0] for row in warehouse.query("SELECT number FROM schema_history WHERE state = 'done'")}
    newest = max(started | done, default=0)
    if newest > len(migrations):
        raise MigrationError(
            f"the warehouse has migration {newest}, this version of Daysalt knows {len(migrations)}: "
            "run the newer version"
        )
    return [
        MigrationStatus(
            migration.number,
            migration.name,
            "done" if migration.number in done else "half applied" if migration.number in started else "pending",
        )
        for migration in migrations
    ]


def migrate(warehouse: Warehouse, clock: Clock, migrations: tuple[Migration, ...] | None = None) -> list[Migration]:
    """
    Apply what is pending, in order.

    Returns:
        The migrations applied now; empty when there was nothing to do.

    Raises:
        MigrationError: one is half applied and cannot be run again; restore a backup or finish it by hand.
    """
    migrations = known_migrations() if migrations is None else migrations
    applied: list[Migration] = []
    for status, migration in zip(migration_status(warehouse, migrations), migrations, strict=True):
        if status.state == "half applied" and not migration.repeatable:
            raise MigrationError(
                f"migration {status.number} ({status.name}) was started and did not finish: restore a backup with "
                "`daysalt restore`, or finish its statements by hand and add the row "
                f"({status.number}, 'done') to schema_history"
            )
        if status.state != "done":
            _mark(warehouse, clock, migration.number, "started")
            for statement in migration.statements:
                warehouse.command(statement)
            _mark(warehouse, clock, migration.number, "done")
            applied.append(migration)
    return applied


def _mark(warehouse: Warehouse, clock: Clock, number: int, state: str) -> None:
    at = clock.now_ms() // 1000
    warehouse.insert("schema_history", {"number": [number], "state": [state], "at": [at]})


def _is_statement(text: str) -> bool:
    return any(line.strip() and not line.strip().startswith("--") for line in text.splitlines())
