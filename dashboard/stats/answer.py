"""
Hop 8: answer a question about a site, the same way for pages, API and files.
"""

from __future__ import annotations

import anyio
import anyio.to_thread

from dashboard.context import Context
from dashboard.stats.query import StatsQuery, StatsResult, Viewer
from warehouse.registry.sites import Site

QUESTIONS_AT_ONCE = 4
"""Threads that may wait for the store at once; more questions queue."""


def answer(context: Context, site: Site, query: StatsQuery, viewer: Viewer = Viewer.MEMBER) -> StatsResult:
    """
    Answer a question. Blocks while the store works: from async code use `ask`.

    Raises:
        QueryError: the question is wrong; show the text.
        QueryTimeout: the store needed too long; say so in the panel and let the page live.
        WarehouseUnavailable: the store is away; ask again later.
    """
    raise NotImplementedError


_limiters: dict[int, anyio.CapacityLimiter] = {}


async def ask(context: Context, site: Site, query: StatsQuery, viewer: Viewer = Viewer.MEMBER) -> StatsResult:
    """
    Answer a question in a thread of its own; errors as for `answer`.
    """
    raise NotImplementedError
