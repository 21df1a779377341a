"""
What the read side knows of imports: it hands the bytes on. The write side, which reads them, is put in by the
composition root.
"""

from __future__ import annotations

from typing import Any, Protocol

from warehouse.imports import ImportRow
from warehouse.registry.sites import Site


class Receiving(Protocol):
    """
    A stream for one site; exactly one of `finish` and `abandon` ends it. All of it blocks.
    """

    def feed(self, chunk: bytes, /) -> None: ...

    def finish(self) -> dict[str, Any]: ...

    def abandon(self) -> None: ...


class Importing(Protocol):
    """
    Whoever brings files into the store. All of it blocks.
    """

    def begin(self, site: Site, /) -> Receiving | None:
        """
        Begin to take a stream; None while another one of the site is under way.
        """
        ...

    def listed(self, site_id: int, /) -> list[ImportRow]:
        """
        List the imports of a site, the oldest first.
        """
        ...

    def under_way(self, site_id: int, /) -> bool:
        """
        Tell whether an import of the site is being read, stored or removed.
        """
        ...

    def remove(self, site_id: int, text: str, /) -> tuple[ImportRow, int]:
        """
        Take an import out again.

        Raises:
            ImportRefused: it cannot be.
        """
        ...
