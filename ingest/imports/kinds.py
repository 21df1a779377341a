"""
Which format a file has, from its first bytes.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import cast

from ingest.decode import WireError, decode_json
from ingest.imports.access_log import NoLogLine, parse_log_line
from ingest.imports.unpacking import GZIP_MAGIC, Unpacker
from warehouse.imports import ImportRefused

NDJSON, ACCESS_LOG, PLAUSIBLE = "ndjson", "log", "plausible"
KINDS = (NDJSON, ACCESS_LOG, PLAUSIBLE)
HEAD_BYTES = 256 * 1024
LINES_LOOKED_AT = 20


def kind_of(path: Path) -> str:
    """
    Tell the format of a file.

    Raises:
        ImportRefused: it has none of the known ones.
        OSError: it cannot be read.
    """
    if zipfile.is_zipfile(path):
        return PLAUSIBLE
    with path.open("rb") as file:
        return kind_of_head(file.read(HEAD_BYTES))


def kind_of_head(head: bytes) -> str:
    """
    Tell the format of content from its first bytes, packed or not.

    Raises:
        ImportRefused: it has none of the known ones.
    """
    if head.startswith(GZIP_MAGIC):
        head = next(Unpacker().feed(head), b"")
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith(b"#")]
    for line in lines[:LINES_LOOKED_AT]:
        if _is_event(line):
            return NDJSON
        try:
            parse_log_line(line)
        except NoLogLine:
            continue
        return ACCESS_LOG
    raise ImportRefused(
        "the file is neither NDJSON, nor an access log (common, combined, JSON lines), nor a ZIP of CSV files: "
        "say what it is with --format, or see `daysalt import --help`"
    )


def _is_event(line: bytes) -> bool:
    try:
        sent = decode_json(line)
    except WireError:
        return False
    if not isinstance(sent, dict):
        return False
    names = cast("dict[str, object]", sent).keys()
    return {"timestamp", "url"} <= names and "status" not in names
