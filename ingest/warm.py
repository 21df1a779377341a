"""
What a collector builds before its first beacon, so that nobody waits for it: patterns of user agents and of bots, and
the list of public suffixes. Other processes build them if they ever need them.
"""

from __future__ import annotations

from ingest.agent import read_agent
from ingest.page import registrable_domain


def warm_up() -> None:
    """
    Build them. They stay for the life of the process, some 40 MiB.
    """
    read_agent("")
    registrable_domain("example.com")
