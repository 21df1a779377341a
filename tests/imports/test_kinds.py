"""
Formats tell themselves by their first bytes.
"""

from __future__ import annotations

import gzip

import pytest

from ingest.imports.kinds import kind_of_head
from tests.imports.importing import line, ndjson
from tests.imports.test_access_log import log_line
from warehouse.imports import ImportRefused

EVENTS = ndjson([line("2021-01-01T00:00:00Z")])


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (EVENTS, "ndjson"),
        (b"\nnonsense\n" + EVENTS, "ndjson"),
        (gzip.compress(EVENTS), "ndjson"),
        (log_line(), "log"),
        (gzip.compress(log_line()), "log"),
        (b"# a note\n" + log_line(), "log"),
        (b'{"timestamp":"2021-01-01T00:00:00Z","url":"/","method":"GET","status":200}\n', "log"),
    ],
)
def test_known(head: bytes, kind: str) -> None:
    """
    A file's first line that can be read says what it is.
    """
    assert kind == kind_of_head(head)


def test_archives() -> None:
    """
    A ZIP is refused by name.
    """
    with pytest.raises(ImportRefused, match="this is a ZIP archive: unpack it"):
        kind_of_head(b"PK\x03\x04" + bytes(30))


@pytest.mark.parametrize("head", [b"hello\n", b"", b"a,b,c\n1,2,3\n"])
def test_unknown(head: bytes) -> None:
    """
    Anything else is refused with the list of what there is.
    """
    with pytest.raises(ImportRefused, match="neither NDJSON nor an access log"):
        kind_of_head(head)
