"""
Which format a file has, from its first bytes.
"""

from __future__ import annotations

import re
from typing import cast

from ingest.decode import WireError, decode_json
from ingest.imports.access_log import NoLogLine, parse_log_line
from ingest.imports.unpacking import GZIP_MAGIC, Unpacker
from warehouse.imports import ImportRefused

NDJSON, ACCESS_LOG, TOTALS = "ndjson", "log", "csv"
KINDS = (NDJSON, ACCESS_LOG, TOTALS)
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
"""How an archive begins: with a file, or with the end when it is empty."""
CSV_HEAD = re.compile(rb'(?:\xef\xbb\xbf)?"?date"?,')
HEAD_BYTES = 256 * 1024
LINES_LOOKED_AT = 20


def kind_of_head(head: bytes) -> str:
    """
    Tell the format of content from its first bytes, packed or not.

    Raises:
        ImportRefused: it has none of the known ones.
    """
    if head.startswith(ZIP_MAGICS):
        return TOTALS
    if CSV_HEAD.match(head):
        raise ImportRefused("this is one file of a CSV export: import the ZIP it came in, or pack all its files as ZIP")
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
        "the file is neither NDJSON nor an access log (common, combined, JSON lines) nor a ZIP of daily totals (CSV): "
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
