"""
Replaces the collectors after a key's death, and then has the keeper become a new program: what freed memory of theirs
still holds of it goes with them.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

from daysalt.children import RETIRE_SIGNAL, Child
from warehouse.log import logger

RENEW_SIGNAL = signal.SIGUSR1
"""Has the keeper replace the collectors now."""
GRACE_SECONDS = 20
"""Longer than a collector keeps idle connections, and then those with an answer outstanding."""

AGAIN_SECONDS = 30
"""How long after a collector that could not be replaced it is tried again."""


class Renewal:
    """
    Waits until it is asked for, and replaces one collector after the other; no connection is refused meanwhile.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """
        Have the collectors replaced soon.
        """
        self._asked.set()

    @property
    def asked(self) -> bool:
        """
        Whether it was asked for since it last began.
        """
        return self._asked.is_set()

    def watch_signal(self) -> None:
        """
        Do it when `RENEW_SIGNAL` comes. Call it inside a running event loop.
        """
        asyncio.get_running_loop().add_signal_handler(RENEW_SIGNAL, self.ask)

    async def run_forever(self, children: Sequence[Child], then: Callable[[], Awaitable[None]]) -> None:
        """
        Do what is asked for.

        Args:
            then: renews the keeper; called when every collector was replaced.
        """
        while True:
            await self._asked.wait()
            self._asked.clear()
            replaced = [await _replace(child) for child in children if child.name.startswith("collector-")]
            if all(replaced):
                await then()
            else:
                await asyncio.sleep(AGAIN_SECONDS)
                self.ask()


async def _replace(child: Child) -> bool:
    if await child.replace(RETIRE_SIGNAL, GRACE_SECONDS):
        logger().info("a collector was replaced", process=child.name)
        return True
    logger().warning("a collector was not replaced; it goes on, and it is tried again", process=child.name)
    return False
