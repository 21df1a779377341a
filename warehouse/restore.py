"""
Puts a backup back into an empty data directory, or changes nothing.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from warehouse.backup import BACKUP_TABLES, PROOFS, REGISTRY, Report, read_manifest, table_of
from warehouse.backup_manifest import BackupError, Manifest
from warehouse.backup_registry import check_registry, is_empty
from warehouse.client import Warehouse
from warehouse.clock import Clock
from warehouse.data_dir import sync_directory
from warehouse.migrate import known_migrations, migrate, migration_status
from warehouse.privacy.proofs import CHAIN_FILE, PROOFS_DIR
from warehouse.registry.connection import registry_path
from warehouse.registry.database import Registry

_TARGETS = {REGISTRY: REGISTRY, **{name: Path(name).name for name in PROOFS}}

_SPOOL_SUFFIXES = (".open", ".seg")
"""Files of the spool that hold events nobody has put into the warehouse yet."""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """
    What was put back.
    """

    version: str
    """The version of Daysalt that made the backup."""
    created_ms: int
    rows: dict[str, int]
    sites: int
    registry: bool


def restore_backup(
    file: Path, *, data_dir: Path, warehouse_url: str, registry_url: str, clock: Clock, report: Report
) -> RestoreReport:
    """
    Put a backup back. The caller holds the data directory's lock.

    Raises:
        BackupError: the file is not whole, or the registry, the warehouse or the spool has something in it.
        WarehouseUnavailable: the store does not answer; what was put in is taken out again.
    """
    report("check", 0, 1)
    manifest = read_manifest(file)
    report("check", 1, 1)
    path = registry_path(registry_url)
    _check_empty(data_dir, path, manifest)
    work = Path(tempfile.mkdtemp(prefix=".restore-", dir=data_dir))
    warehouse = Warehouse(warehouse_url)
    try:
        _check_warehouse(warehouse, manifest)
        try:
            # The rows fit the schema they were copied from; what came later is applied over them.
            migrate(warehouse, clock, known_migrations()[: manifest.migration])
            _load(file, manifest, warehouse, work, report)
            _place_proofs(work, data_dir)
            migrate(warehouse, clock)
        except BaseException:
            _take_out(warehouse)
            raise
        if path is not None and manifest.registry:
            _place_registry(work / REGISTRY, path)
    finally:
        warehouse.close()
        shutil.rmtree(work, ignore_errors=True)
    # Opening it brings an older registry up to date.
    registry = Registry(registry_url, clock)
    try:
        sites = len(registry.sites.all())
    finally:
        registry.close()
    return RestoreReport(manifest.version, manifest.created_ms, manifest.table_rows(), sites, manifest.registry)


def _check_empty(data_dir: Path, path: Path | None, manifest: Manifest) -> None:
    if manifest.migration > len(known_migrations()):
        raise BackupError(
            f"the backup has migration {manifest.migration}, this version of Daysalt knows {len(known_migrations())}: "
            f"use the version {manifest.version[:20]} that made it"
        )
    if manifest.registry and path is not None and not is_empty(path):
        raise BackupError(f"the registry {path} has sites or people in it: restore into an empty data directory")
    spool = data_dir / "spool"
    if spool.is_dir() and any(entry.suffix in _SPOOL_SUFFIXES and entry.stat().st_size for entry in spool.rglob("*")):
        raise BackupError(f"the spool {spool} holds events: restore into an empty data directory")


def _check_warehouse(warehouse: Warehouse, manifest: Manifest) -> None:
    names = {str(row[0]) for row in warehouse.query("SHOW TABLES")}
    for table in BACKUP_TABLES:
        if table in names and warehouse.query(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - a table name of ours
            raise BackupError(f"the warehouse has rows in {table}: restore into an empty data directory")
    if names and manifest.migration < len(known_migrations()):
        done = [row for row in migration_status(warehouse) if row.state != "pending"]
        if len(done) > manifest.migration:
            raise BackupError(
                f"the warehouse has migration {len(done)} already and the backup has {manifest.migration}: "
                "restore into an empty data directory"
            )


def _load(file: Path, manifest: Manifest, warehouse: Warehouse, work: Path, report: Report) -> None:
    rows = {entry.name: entry.rows for entry in manifest.entries}
    done = 0
    with tarfile.open(file, mode="r|gz") as tar:
        for member in tar:
            table = table_of(member.name)
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or (table is None and member.name not in (REGISTRY, *PROOFS)):
                continue
            # The name in the archive never becomes a path: all targets are ours.
            target = work / _TARGETS.get(member.name, "rows.tsv")
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as copy:
                shutil.copyfileobj(content, copy, 1024**2)
                copy.flush()
                os.fsync(copy.fileno())
            if member.name == REGISTRY:
                check_registry(target)
            elif table is not None:
                with target.open("rb") as copy:
                    warehouse.copy_in(table, copy)
            done += 1
            report("rows", done, len(rows))
    for table, expected in manifest.table_rows().items():
        final = "FINAL" if table == "visits" else ""
        found = int(warehouse.query(f"SELECT count() FROM {table} {final}")[0][0])  # noqa: S608 - a table name of ours
        if found != expected:
            raise BackupError(f"{table} got {found} rows of {expected}: nothing was put back, take another backup")


def _place_proofs(work: Path, data_dir: Path) -> None:
    """
    Put the chain of proofs back where there is none: one that is longer has gone on from it.
    """
    proofs = data_dir / PROOFS_DIR
    if (proofs / CHAIN_FILE).exists():
        return
    for name in PROOFS:
        copy = work / _TARGETS[name]
        if copy.exists():
            proofs.mkdir(mode=0o700, exist_ok=True)
            shutil.move(copy, data_dir / name)
            (data_dir / name).chmod(0o600)
            sync_directory(proofs)


def _take_out(warehouse: Warehouse) -> None:
    names = {str(row[0]) for row in warehouse.query("SHOW TABLES")}
    for table in names.intersection(BACKUP_TABLES):
        warehouse.command(f"TRUNCATE TABLE {table}")


def _place_registry(copy: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The journals of the empty one belong to it alone: beside another file they would corrupt it.
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.move(copy, path)
    path.chmod(0o600)
    sync_directory(path.parent)
