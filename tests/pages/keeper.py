"""
Stand-ins for the processes that pages ask over sockets: they answer what a test says, and note what they were asked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from warehouse.local_socket import Fields, Operation, SocketRefused, listen

Asked = list[tuple[str, Fields]]


@contextmanager
def answering(path: Path, answers: Mapping[str, Fields | str]) -> Generator[Asked]:
    """
    Listen on a socket. An answer that is a text is a refusal.
    """
    asked: Asked = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    def operation(name: str, answer: Fields | str) -> Operation:
        async def run(**fields: Any) -> Fields:
            asked.append((name, fields))
            if isinstance(answer, str):
                raise SocketRefused(answer)
            return answer

        return run

    async def serve() -> None:
        server = await listen(path, {name: operation(name, answer) for name, answer in answers.items()})
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    def work() -> None:
        asyncio.set_event_loop(loop)
        task = loop.create_task(serve())
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(30)
        yield asked
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(30)
