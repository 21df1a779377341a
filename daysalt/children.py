"""
Child processes of the keeper: started fresh (never forked), watched, restarted with backoff, stopped in order.

A child holds the reading end of a pipe whose writing end only the keeper has. When the keeper dies, however it dies,
the pipe ends and the child stops by itself; nothing is left behind that holds the port or the store.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from daysalt.adopted import AdoptedProcess, Running
from daysalt.environment import complete_environment
from daysalt.handing_over import HandedChild
from warehouse.log import logger
from warehouse.settings import Settings

BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
STEADY_SECONDS = 30
"""A child that lived this long starts its backoff anew."""
FATAL_EXIT = 4
"""Exit code of a child that must not be restarted: somebody has to act on what it said."""
WELL_SECONDS, LOOK_SECONDS = 60, 0.1
"""How long a process that takes another's place may need until it says that it is well, and how often we look."""
RETIRE_SIGNAL = signal.SIGUSR1
"""Asks a collector to step aside, once the next one accepts connections."""
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
    process: Running | None = None
    starts: int = 0
    stopping: bool = False
    beside: Running | None = None
    """While one takes the place of another: the one that is coming up, then the one that is leaving."""
    heard: set[int] = field(default_factory=set[int])
    """Pids of those of its processes that said that they are well."""
    lines: dict[int, int] = field(default_factory=dict[int, int])
    """Writing end of the life line of each of its processes, by pid."""
    holding: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

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

    def hear(self, pid: int) -> None:
        """
        Note that a process said that it is well.
        """
        ours = {process.pid for process in (self.process, self.beside) if process is not None}
        self.heard = (self.heard | {pid}) & ours

    def hand_over(self) -> HandedChild | None:
        """
        Describe the one process that runs, for the program that takes the keeper's place; None while there is none,
        or one takes the place of another.
        """
        if self.process is None or self.process.returncode is not None or self.beside is not None:
            return None
        return HandedChild(self.process.pid, self.lines[self.process.pid], self.starts)

    def adopt(self, handed: HandedChild) -> None:
        """
        Take the process that the program before has left; if it ended meanwhile, `supervise` starts another.
        """
        self.starts = handed.starts
        try:
            process = AdoptedProcess(handed.pid)
        except ProcessLookupError:
            os.close(handed.life_line)
            return
        self.process = process
        self._hold(process, handed.life_line)

    async def stop(self, grace_seconds: float) -> None:
        """
        Ask it to stop, and end it if it does not within the time.
        """
        self.stopping = True
        await asyncio.gather(*(_end(process, self.name, grace_seconds) for process in (self.process, self.beside)))

    async def replace(self, leave: signal.Signals, grace_seconds: float) -> bool:
        """
        Start another process, and when it is well send the present one the signal to leave; so one of them always
        serves.

        Returns:
            Whether it was replaced; if not, the present one goes on.
        """
        old = self.process
        # One that was just started is waited for: what is asked of it early is not forgotten.
        if old is None or not await self._well(old) or self.process is not old:
            return False
        fresh = self.beside = await self._start()
        try:
            if not await self._well(fresh) or self.stopping or self.process is not old or old.returncode is not None:
                await _end(fresh, self.name, grace_seconds)
                return False
            self.process, self.beside = fresh, old
            old.send_signal(leave)
            with suppress(TimeoutError):
                await asyncio.wait_for(old.wait(), grace_seconds)
            await _end(old, self.name, grace_seconds)
        finally:
            self.beside = None
        return True

    async def _well(self, process: Running) -> bool:
        for _ in range(round(WELL_SECONDS / LOOK_SECONDS)):
            if process.returncode is not None or self.stopping:
                return False
            if process.pid in self.heard:
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _run_once(self) -> int:
        process = self.process
        if process is None or process.returncode is not None:
            process = self.process = await self._start()
            self.starts += 1
        while True:
            code = await process.wait()
            if self.process is process or self.process is None:
                return code
            process = self.process  # it was replaced

    async def _start(self) -> Running:
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # whatever lies in the working directory is no part of us
                "-m",
                "daysalt.child",
                *self.arguments,
                env={**os.environ, **self.environment, LIFE_LINE: str(read_end)},
                pass_fds=(*self.fds, read_end),
                # A Ctrl-C on the terminal is the keeper's to hand on, in order. TRICKY: a group, not a session: Linux
                # weighs sessions before processes, and the store's niceness would say nothing to the collectors.
                process_group=0,
            )
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        self._hold(process, write_end)
        return process

    def _hold(self, process: Running, life_line: int) -> None:
        """
        Keep the writing end of a process's life line open for as long as it lives.
        """

        async def hold() -> None:
            try:
                await process.wait()
            finally:
                os.close(self.lines.pop(process.pid))

        self.lines[process.pid] = life_line
        holding = asyncio.create_task(hold())
        self.holding.add(holding)
        holding.add_done_callback(self.holding.discard)


def make_children(settings: Settings, listen_fd: int, table_fd: int, *, with_store: bool) -> list[Child]:
    """
    Make the children of a keeper; nothing is started.

    Args:
        listen_fd: listening socket that the collectors inherit.
        table_fd: memory they share, for visits open at midnight.
    """
    environment = complete_environment(settings)
    beside = ("beside-store",) if with_store else ()
    children = [
        Child(
            name=f"collector-{number}",
            arguments=("collector", f"collector-{number}", str(listen_fd), str(table_fd), *beside),
            environment=environment,
            fds=(listen_fd, table_fd),
        )
        for number in range(1, settings.workers + 1)
    ]
    children.append(Child(name="risk", arguments=("risk",), environment=environment))
    if with_store:
        children.append(Child(name="store", arguments=("store", "drain", "dashboard"), environment=environment))
    return children


async def _end(process: Running | None, name: str, grace_seconds: float) -> None:
    if process is None or process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace_seconds)
    except TimeoutError:
        logger().error("a process did not stop in time and was ended", process=name)
        process.kill()
        await process.wait()
