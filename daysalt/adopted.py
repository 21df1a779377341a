"""
A child that a keeper has from the program it was before: it was started there, and is watched here.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Protocol


class Running(Protocol):
    """
    A child process, as `asyncio.subprocess.Process` has it.
    """

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, signal: int) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class AdoptedProcess:
    """
    A child of this process that no event loop of it has started. Make it inside a running event loop.
    """

    def __init__(self, pid: int) -> None:
        """
        Raises:
            ProcessLookupError: there is none any more.
        """
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._reap)

    async def wait(self) -> int:
        """
        Wait for its end and give its exit code.
        """
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, signal: int) -> None:
        """
        Send it a signal; nothing happens when it has ended.
        """
        if self.returncode is None:
            os.kill(self.pid, signal)

    def terminate(self) -> None:
        """
        Ask it to end.
        """
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """
        End it.
        """
        self.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set()
