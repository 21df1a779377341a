"""
What of a library's mappings may be let go: only pages that are as the file has them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from daysalt.mapped_code import large_unwritten, let_go_of_code
from warehouse.client import Warehouse

SMAPS = """\
7f0000000000-7f0008000000 r-xp 00000000 fe:00 77 /lib/engine.so
Rss:               90000 kB
Anonymous:             0 kB
Private_Dirty:         0 kB
7f0010000000-7f0018000000 r--p 00000000 fe:00 77 /lib/engine.so
Rss:               10000 kB
Anonymous:          9000 kB
7f0020000000-7f0028000000 rw-p 00000000 fe:00 77 /lib/engine.so
Rss:               20000 kB
Anonymous:             0 kB
7f0030000000-7f0030100000 r-xp 00000000 fe:00 78 /lib/small.so
Rss:                1000 kB
Anonymous:             0 kB
7f0040000000-7f0048000000 r--p 00000000 00:00 0
Rss:               30000 kB
Anonymous:             0 kB
"""


def test_only_large_code_that_is_as_the_file_has_it() -> None:
    """
    Relocated, writable, small and nameless mappings are left alone.
    """
    assert [(0x7F0000000000, 90_000 * 1024)] == [
        (mapping.start, mapping.resident_bytes) for mapping in large_unwritten(SMAPS)
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="mappings are told by Linux")
def test_the_engine_goes_on_without_its_mapped_code(warehouse: Warehouse) -> None:
    """
    After letting go the engine answers, and less of the process is resident.
    """
    warehouse.query("SELECT count() FROM events")
    before = resident_pages()
    let_go = let_go_of_code()
    after = resident_pages()

    assert [(0,)] == warehouse.query("SELECT count() FROM events")
    assert let_go > 0
    assert before > after


def resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])
