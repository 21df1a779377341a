"""
Hop 7, the promise made before the insert: which bytes of which segments are batch N.

Synced before the batch is inserted, so that after a crash the same batch is cut from the same bytes, whatever the
timing was. One file, replaced atomically; the earlier batches are by then in the store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.spool.reader import Range
from warehouse.data_dir import write_private


class ManifestError(Exception):
    """
    The manifest cannot be read. Not retryable: restore a backup, or remove it and accept what it would have replayed.
    """


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    A batch under way, or done.

    Attributes: `cursors` maps a segment to the bytes of it that batches before this one used.
    """

    batch: int
    ranges: Sequence[Range] = ()
    cursors: Mapping[str, int] = field(default_factory=dict[str, int])
    done: bool = False

    def cursors_after(self) -> dict[str, int]:
        """
        Tell the bytes used of each segment once this batch is in the store.
        """
        return {**self.cursors, **({} if self.done else {piece.segment: piece.end for piece in self.ranges})}


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """
    Put a manifest in place of the last one, surviving power loss.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps(
        {
            "version": 1,
            "batch": manifest.batch,
            "ranges": [[piece.segment, piece.start, piece.end] for piece in manifest.ranges],
            "cursors": dict(manifest.cursors),
            "done": manifest.done,
        }
    )
    write_private(directory / "manifest.json", text)


def read_manifest(directory: Path) -> Manifest | None:
    """
    Read the last manifest, or None before the first batch.

    Raises:
        ManifestError: it is damaged or of a newer version.
    """
    path = directory / "manifest.json"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["version"] != 1:
            raise ManifestError(f"{path} has version {table['version']}, this version reads 1: run the newer version")
        return Manifest(
            batch=int(table["batch"]),
            ranges=tuple(Range(str(name), int(start), int(end)) for name, start, end in table["ranges"]),
            cursors={str(name): int(used) for name, used in table["cursors"].items()},
            done=bool(table["done"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(f"{path} is damaged ({type(error).__name__}): restore a backup, or remove it") from error
