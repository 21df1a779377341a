"""
A backup: one tar.gz with the registry, the warehouse's rows and a manifest of what is in it.

It never holds a salt, the spool, a sign-in, a one-time link or a socket, nor a key but the one that signs proofs: what
must be able to die is not copied. Whoever calls `write_backup` sees to it that nothing is flushed meanwhile, so that
events and visits agree.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from warehouse.backup_manifest import MANIFEST_BYTES_MAX, BackupError, Entry, Manifest, parse_manifest
from warehouse.backup_registry import check_registry, copy_registry
from warehouse.client import Warehouse
from warehouse.clock import Clock
from warehouse.copied_file import CopiedFile
from warehouse.data_dir import sync_directory
from warehouse.migrate import migration_status
from warehouse.privacy.proofs import CHAIN_FILE, PROOFS_DIR, SIGNING_KEY_FILE
from warehouse.registry.connection import registry_path

BACKUP_TABLES = ("events", "visits", "drops", "imports", "rollups", "rollup_overlaps", "rollup_builds")
"""What is copied. A table left out must say why in `LEFT_OUT_TABLES`; a test holds both against the migrations."""

LEFT_OUT_TABLES = {
    "schema_history": "written anew by the migrations when a backup is put back",
    "event_ids": "hashes of a day under keys that no backup holds",
    "vault": "addresses under keys that no backup holds: without them the rows are noise, with them a broken promise",
    "rollup_months": "sums of rows of `rollups`, added up again when a backup is put back",
    "rollup_month_builds": "which of those sums there are",
}

PROOFS = tuple(f"{PROOFS_DIR}/{name}" for name in (CHAIN_FILE, SIGNING_KEY_FILE))
"""The chain of proofs and the key that signs it, so that the chain goes on where it was."""

MANIFEST = "manifest.json"
REGISTRY = "registry.sqlite"
_TABLE_FILE = re.compile(r"^warehouse/([a-z_]+)/([0-9a-zA-Z_-]+)\.tsv$")
_GZIP_LEVEL = 6

Report = Callable[[str, int, int], None]
"""Takes progress: what is being done, how much is done, how much there is."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """
    What a backup holds.
    """

    file: str
    file_bytes: int
    rows: dict[str, int]
    """Rows by warehouse table."""
    registry: bool
    """False when the registry is in PostgreSQL, which has its own tools for this."""


def write_backup(
    warehouse: Warehouse, registry_url: str, out: Path, clock: Clock, report: Report, *, data_dir: Path
) -> BackupReport:
    """
    Write a backup, whole or not at all.

    Args:
        out: the file to make; its directory must exist and the file must not.
        data_dir: where the proofs are; no other key is in a backup than the one that signs them.

    Raises:
        BackupError: the file is there already or cannot be written, or the schema is half applied.
        WarehouseUnavailable: the store does not answer.
    """
    out = out.absolute()
    if out.exists():
        raise BackupError(f"{out} exists already: choose another file, or move it away")
    if not out.parent.is_dir():
        raise BackupError(f"{out.parent} is not a directory: make it first, or choose another one")
    migrations = migration_status(warehouse)
    if any(migration.state != "done" for migration in migrations):
        raise BackupError("the warehouse's schema is not up to date: run `daysalt migrate` first")
    # Beside the file, because it is as secret and as large as the backup itself.
    try:
        work = Path(tempfile.mkdtemp(prefix=".daysalt-backup-", dir=out.parent))
    except OSError as error:
        raise _unwritable(out, error) from None
    try:
        entries: list[Entry] = []
        temporary = work / "backup.tar.gz"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_GZIP_LEVEL) as tar:
                path = registry_path(registry_url)
                if path is not None:
                    entries.append(_add_registry(tar, path, work))
                entries.extend(_add(tar, name, data_dir / name, 0) for name in PROOFS if (data_dir / name).exists())
                entries.extend(_add_tables(tar, warehouse, work, report))
                manifest = Manifest(
                    version("daysalt"), clock.now_ms(), len(migrations), path is not None, tuple(entries)
                )
                _add_manifest(tar, manifest, work)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(out)
        sync_directory(out.parent)
    except OSError as error:
        raise _unwritable(out, error) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return BackupReport(str(out), out.stat().st_size, manifest.table_rows(), manifest.registry)


def read_manifest(file: Path) -> Manifest:
    """
    Read a backup through, checking every entry's name, kind, length, rows and checksum.

    Raises:
        BackupError: it is no backup, or not whole.
    """
    found: dict[str, Entry] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(file, mode="r|gz") as tar:
            for member in tar:
                if manifest is not None or member.name in found or not member.isreg() or not known_name(member.name):
                    raise BackupError(
                        f"{file} holds {member.name[:100]!r}, which no backup of Daysalt does: nothing was changed"
                    )
                content = tar.extractfile(member)
                assert content is not None
                if member.name == MANIFEST:
                    manifest = parse_manifest(content.read(MANIFEST_BYTES_MAX + 1))
                    continue
                copied = CopiedFile(None)
                shutil.copyfileobj(content, copied, 1024**2)
                rows = copied.rows if table_of(member.name) else 0
                found[member.name] = Entry(member.name, copied.size, rows, copied.sha256)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise BackupError(f"there is no file {file}") from None
        raise BackupError(f"{file} is not a whole backup ({error}): take another one") from None
    if manifest is None:
        raise BackupError(f"{file} has no manifest: it was cut off, or is no backup of Daysalt")
    for entry in manifest.entries:
        if entry != found.pop(entry.name, None):
            raise BackupError(
                f"{entry.name} in {file} does not match the manifest: the file is damaged, take another one"
            )
    if found:
        raise BackupError(f"{file} holds {min(found)!r}, which its manifest does not name: nothing was changed")
    return manifest


def known_name(name: str) -> bool:
    """
    Tell whether an entry of a backup may have this name.
    """
    return name in (MANIFEST, REGISTRY, *PROOFS) or table_of(name) is not None


def table_of(name: str) -> str | None:
    """
    Tell which table an entry holds rows of.
    """
    match = _TABLE_FILE.fullmatch(name)
    return match[1] if match and match[1] in BACKUP_TABLES else None


def _unwritable(out: Path, error: OSError) -> BackupError:
    return BackupError(
        f"{out} cannot be written ({(error.strerror or 'no reason given').lower()}): choose another place"
    )


def _add_registry(tar: tarfile.TarFile, path: Path, work: Path) -> Entry:
    copy = work / REGISTRY
    copy_registry(path, copy)
    check_registry(copy)
    entry = _add(tar, REGISTRY, copy, rows=0)
    copy.unlink()
    return entry


def _add_tables(tar: tarfile.TarFile, warehouse: Warehouse, work: Path, report: Report) -> list[Entry]:
    parts: list[tuple[str, str]] = []
    for table in BACKUP_TABLES:
        rows = warehouse.query(f"SELECT DISTINCT _partition_id FROM {table} ORDER BY 1")  # noqa: S608 - a table name of ours
        parts.extend((table, str(row[0])) for row in rows)
    entries: list[Entry] = []
    for done, (table, partition) in enumerate(parts):
        report("rows", done, len(parts))
        copy = work / f"{table}.tsv"
        with CopiedFile(copy) as file:
            # FINAL: one row for each visit, whatever the engine has put together so far.
            final = "FINAL" if table == "visits" else ""
            sql = f"SELECT * FROM {table} {final} WHERE _partition_id = {{partition:String}}"  # noqa: S608 - a table name of ours
            warehouse.copy_out(sql, file.write, {"partition": partition})
        entries.append(_add(tar, f"warehouse/{table}/{partition}.tsv", copy, file.rows))
        copy.unlink()
    report("rows", len(parts), len(parts))
    return entries


def _add_manifest(tar: tarfile.TarFile, manifest: Manifest, work: Path) -> None:
    path = work / MANIFEST
    path.write_bytes(manifest.encoded())
    _add(tar, MANIFEST, path, 0)


def _add(tar: tarfile.TarFile, name: str, path: Path, rows: int) -> Entry:
    copied = CopiedFile(None)
    with path.open("rb") as file:
        shutil.copyfileobj(file, copied, 1024**2)
    member = tarfile.TarInfo(name)
    member.size, member.mode = copied.size, 0o600
    with path.open("rb") as file:
        tar.addfile(member, file)
    return Entry(name, copied.size, rows, copied.sha256)
