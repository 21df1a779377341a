"""
Formats tell themselves by their first bytes.
"""

from __future__ import annotations

import gzip

import pytest

from ingest.imports.kinds import TOTALS, kind_of_head
from tests.imports.importing import line, ndjson
from tests.imports.test_access_log import log_line
from warehouse.imports import ImportRefused

EVENTS = ndjson([line("2021-01-01T00:00:00Z")])


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (EVENTS, "ndjson"),
        (b"\nnonsense\n" + EVENTS, "ndjson"),
        (gzip.compress(EVENTS, mtime=0), "ndjson"),
        (log_line(), "log"),
        (gzip.compress(log_line(), mtime=0), "log"),
        (b"# a note\n" + log_line(), "log"),
        (b'{"timestamp":"2021-01-01T00:00:00Z","url":"/","method":"GET","status":200}\n', "log"),
    ],
)
def test_known(head: bytes, kind: str) -> None:
    """
    A file's first line that can be read says what it is.
    """
    assert kind == kind_of_head(head)


@pytest.mark.parametrize("head", [b"PK\x03\x04" + bytes(30), b"PK\x05\x06" + bytes(18)])
def test_archives(head: bytes) -> None:
    """
    A ZIP holds daily totals, an empty one too.
    """
    assert TOTALS == kind_of_head(head)


@pytest.mark.parametrize("head", [b'"date","visitors"\n', b"\xef\xbb\xbfdate,page\n"])
def test_one_file_of_an_export(head: bytes) -> None:
    """
    One file alone is not taken: its days would be left out of the other nine.
    """
    with pytest.raises(ImportRefused, match="this is one file of a CSV export: import the ZIP"):
        kind_of_head(head)


@pytest.mark.parametrize("head", [b"hello\n", b"", b"a,b,c\n1,2,3\n"])
def test_unknown(head: bytes) -> None:
    """
    Anything else is refused with the list of what there is.
    """
    with pytest.raises(ImportRefused, match="neither NDJSON nor an access log"):
        kind_of_head(head)
