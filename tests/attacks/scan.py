"""
Looks for addresses in every file below a folder, in the forms in which they would leak.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from daysalt.checks.traces import needles_of
from tests.files import content_of, files_of

RANDOM_BYTES_MIN = 8
"""A packed IPv4 address is four bytes: in megabytes of compressed columns they come up by chance. Longer needles do not
and are looked for everywhere; the short ones in all files but those of the warehouse."""


def traces(folder: Path, addresses: Iterable[str]) -> list[str]:
    """
    Name every file that holds one of the addresses, with the form it was found in.
    """
    wanted = [(form, needle) for address in addresses for form, needle in needles_of(address).items()]
    found: list[str] = []
    for path in files_of(folder):
        data = content_of(path)
        compressed = "warehouse" in path.relative_to(folder).parts
        for form, needle in wanted:
            if compressed and len(needle) < RANDOM_BYTES_MIN:
                continue
            if needle in data:
                found.append(f"{path.relative_to(folder)}: {form}")
    return found
