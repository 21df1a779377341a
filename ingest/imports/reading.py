"""
A file on its way into a staging directory. Needs no store, so a command can do it in a process of its own.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from ingest.imports.intake import EventReader, Intake
from ingest.imports.line import ImportTarget, LineReader
from ingest.imports.staging import Stage, Staged
from ingest.imports.visitors import ImportedVisitors
from ingest.safe_event import VisitSeeds
from warehouse.imports import ID_BITS, LABEL_LENGTH_MAX, ImportRow, id_text
from warehouse.registry.sites import Site

MakeReader = Callable[[ImportTarget, ImportedVisitors, VisitSeeds], EventReader]


class Reading:
    """
    A file being read into a staging directory.
    """

    def __init__(self, stage: Stage, intake: Intake, number: int, site_id: int) -> None:
        self.stage = stage
        self.intake = intake
        self._number = number
        self._site_id = site_id

    def seal(self, kind: str, label: str = "") -> Staged | None:
        """
        Take the end of the file and make it durable.

        Returns:
            None when there is nothing to store.
        """
        plan = self.intake.finish(self._number, self._site_id, kind, label[:LABEL_LENGTH_MAX])
        if not plan.days:
            self.stage.discard()
            return None
        self.stage.seal(plan)
        return self.stage.as_staged(plan)


def new_reading(
    directory: Path, site: Site, now_ms: int, known: Sequence[ImportRow], make: MakeReader = LineReader
) -> Reading:
    """
    Begin to read a file for a site.

    Args:
        directory: where staging directories are.
        known: the imports of the site so far.
        make: makes what reads a line of the file's format.
    """
    number = secrets.randbits(ID_BITS) or 1
    reader = make(ImportTarget(site, now_ms), ImportedVisitors(os.urandom), VisitSeeds(os.urandom))
    stage = Stage(directory / id_text(number))
    return Reading(stage, Intake(stage, reader, known), number, site.id)
