"""
Threads that ask questions come and go.
"""

from __future__ import annotations

import threading

from warehouse.client import Warehouse


def test_clients_of_ended_threads_are_closed(warehouse: Warehouse) -> None:
    """
    Twenty threads one after the other do not leave twenty clients behind, and the store still answers.
    """
    answers: list[int] = []
    before = len(warehouse._clients)  # pyright: ignore[reportPrivateUsage]  # what is kept is the promise
    for _ in range(20):
        thread = threading.Thread(target=lambda: answers.append(int(warehouse.query("SELECT 1")[0][0])))
        thread.start()
        thread.join()

    assert [1] * 20 == answers
    assert before + 1 >= len(warehouse._clients)  # pyright: ignore[reportPrivateUsage]  # as above
    assert [(1,)] == warehouse.query("SELECT 1")
