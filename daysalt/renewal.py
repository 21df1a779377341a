"""
Replaces the collectors after a salt's death: what freed memory of theirs still holds of it goes with them.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

from daysalt.children import RETIRE_SIGNAL, Child
from warehouse.log import logger

RENEW_SIGNAL = signal.SIGUSR1
"""Has the keeper replace the collectors now."""
GRACE_SECONDS = 20
"""Longer than a collector keeps idle connections, and then those with an answer outstanding."""


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

    async def run_forever(self, children: Sequence[Child]) -> None:
        """
        Do what is asked for, also by signal.
        """
        asyncio.get_running_loop().add_signal_handler(RENEW_SIGNAL, self.ask)
        while True:
            await self._asked.wait()
            self._asked.clear()
            for child in children:
                if not child.name.startswith("collector-"):
                    continue
                if await child.replace(RETIRE_SIGNAL, GRACE_SECONDS):
                    logger().info("a collector was replaced", process=child.name)
                else:
                    logger().warning("a collector was not replaced; it goes on", process=child.name)
