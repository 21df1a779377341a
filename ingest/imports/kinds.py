"""
Which format a file has, from its first bytes.
"""

from __future__ import annotations

from typing import cast

from ingest.decode import WireError, decode_json
from ingest.imports.access_log import NoLogLine, parse_log_line
from ingest.imports.unpacking import GZIP_MAGIC, Unpacker
from warehouse.imports import ImportRefused

NDJSON, ACCESS_LOG = "ndjson", "log"
KINDS = (NDJSON, ACCESS_LOG)
ZIP_MAGIC = b"PK\x03\x04"
HEAD_BYTES = 256 * 1024
LINES_LOOKED_AT = 20


def kind_of_head(head: bytes) -> str:
    """
    Tell the format of content from its first bytes, packed or not.

    Raises:
        ImportRefused: it has none of the known ones.
    """
    if head.startswith(ZIP_MAGIC):
        raise ImportRefused(
            "this is a ZIP archive: unpack it and import the files in it; daily totals (CSV) cannot be imported yet"
        )
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
        "the file is neither NDJSON nor an access log (common, combined, JSON lines): "
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
