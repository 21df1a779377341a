"""
A question to the owner of the risk windows.
"""

from __future__ import annotations

import msgspec


class Question(msgspec.Struct, frozen=True):
    """
    What is asked about an address, without it.
    """

    rid: bytes
    network_id: int
    subject: str
    """`ip`, or `ip+ua` when what the caller saw of the client is to be weighed, too."""
    site_id: int = 0
    marks: int = 0
    """What the caller's user agent and headers say."""
    data: dict[str, str | None] = {}
    known: bool = False
    kind: str = ""
    asn: int = 0
    organisation: str = ""
    country: str = ""
    unroutable: str = ""
    refused: str = ""
    """Why it is not assessed: `RESTRICTED`, `SIGNAL` or `SITE_OFF`; empty when it is."""
