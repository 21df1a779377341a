"""
Child processes of the keeper: started fresh (never forked), watched, restarted with backoff, stopped in order.

A child holds the reading end of a pipe whose writing end only the keeper has. When the keeper dies, however it dies,
the pipe ends and the child stops by itself; nothing is left behind that holds the port or the store.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warehouse.log import logger

BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
STEADY_SECONDS = 30
"""A child that lived this long starts its backoff anew."""
FATAL_EXIT = 4
"""Exit code of a child that must not be restarted: somebody has to act on what it said."""
LIFE_LINE = "_DAYSALT_LIFE_LINE"


class FatalChild(Exception):
    """
    A child said why it cannot run at all.
    """


@dataclass(slots=True)
class Child:
    """
    One supervised process.

    Attributes: `role` is the hidden command it runs; `fds` are inherited by the same numbers.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    fds: Sequence[int] = ()
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    stopping: bool = False

    async def supervise(self) -> None:
        """
        Keep the process running until `stop`.

        Raises:
            FatalChild: it exited with `FATAL_EXIT`.
        """
        loop = asyncio.get_running_loop()
        failures = 0
        while not self.stopping:
            started = loop.time()
            code = await self._run_once()
            if self.stopping:
                return
            if code == FATAL_EXIT:
                raise FatalChild(self.name)
            failures = 0 if loop.time() - started >= STEADY_SECONDS else failures + 1
            wait = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            logger().warning(
                "a process ended and is started again", process=self.name, exit_code=code, after_seconds=wait
            )
            await asyncio.sleep(wait)

    async def stop(self, grace_seconds: float) -> None:
        """
        Ask it to stop, and end it if it does not within the time.
        """
        self.stopping = True
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace_seconds)
        except TimeoutError:
            logger().error("a process did not stop in time and was ended", process=self.name)
            process.kill()
            await process.wait()

    async def _run_once(self) -> int:
        read_end, write_end = os.pipe()
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "daysalt.child",
                *self.arguments,
                env={**os.environ, **self.environment, LIFE_LINE: str(read_end)},
                pass_fds=(*self.fds, read_end),
                # A Ctrl-C on the terminal is the keeper's to hand on, in order. TRICKY: a group, not a session: Linux
                # weighs sessions before processes, and the store's niceness would say nothing to the collectors.
                process_group=0,
            )
            self.starts += 1
            os.close(read_end)
            read_end = -1
            return await self.process.wait()
        finally:
            os.close(write_end)
            if read_end >= 0:
                os.close(read_end)
