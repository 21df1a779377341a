"""
The vault's rows for whoever holds keys: asked of the running store through its socket, or of a store opened here.

What goes over the socket are site, day and blind index; the store cannot tell an address from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from ingest.vault.rows import Found, erase_rows, find_rows
from warehouse.client import Warehouse
from warehouse.data_dir import STORE_SOCKET
from warehouse.local_socket import Fields, Operation, call
from warehouse.retire import find_canary

Apart = Callable[[Callable[[], Any]], Awaitable[Any]]
FIND_SECONDS_MAX = 30.0
ERASE_SECONDS_MAX = 600.0

Wanted = Sequence[tuple[int, int, bytes]]
"""Site id, day and blind index."""


class StoredRows(Protocol):
    """
    Where the rows are.
    """

    async def find(self, wanted: Wanted) -> list[Found]: ...

    async def erase(self, wanted: Wanted) -> int: ...


class OpenRows:
    """
    The rows of a store that this process has open.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def find(self, wanted: Wanted) -> list[Found]:
        return find_rows(self._warehouse, wanted)

    async def erase(self, wanted: Wanted) -> int:
        return erase_rows(self._warehouse, wanted)


class SocketRows:
    """
    The rows of the running store. Raises what `warehouse.local_socket.call` raises.
    """

    def __init__(self, data_dir: Path) -> None:
        self._socket = data_dir / STORE_SOCKET

    async def find(self, wanted: Wanted) -> list[Found]:
        if not wanted:
            return []
        answer = await asyncio.to_thread(
            call, self._socket, "vault_find", timeout_s=FIND_SECONDS_MAX, wanted=_encoded(wanted)
        )
        return [
            Found(row["day"], row["site_id"], bytes.fromhex(row["bidx"]), b"", row["hours"], row["hits"])
            for row in answer["rows"]
        ]

    async def erase(self, wanted: Wanted) -> int:
        if not wanted:
            return 0
        answer = await asyncio.to_thread(
            call, self._socket, "vault_erase", timeout_s=ERASE_SECONDS_MAX, wanted=_encoded(wanted)
        )
        return int(answer["rows"])


def vault_operations(warehouse: Warehouse, apart: Apart, let_go: Callable[[Wanted], object]) -> dict[str, Operation]:
    """
    Give the operations of `store.sock` that the keeper uses.

    Args:
        apart: runs something that blocks in a thread, and turns what goes wrong into a refusal.
        let_go: tells the drain of rows that are erased, of which more may be on their way.
    """

    async def find(wanted: list[list[Any]]) -> Fields:
        found: list[Found] = await apart(lambda: find_rows(warehouse, _decoded(wanted)))
        return {
            "rows": [
                {
                    "day": row.day,
                    "site_id": row.site_id,
                    "bidx": row.bidx.hex(),
                    "hours": row.hours,
                    "hits": row.hits,
                }
                for row in found
            ]
        }

    async def erase(wanted: list[list[Any]]) -> Fields:
        let_go(_decoded(wanted))
        return {"rows": await apart(lambda: erase_rows(warehouse, _decoded(wanted)))}

    async def canary(day: str, index: str) -> Fields:
        found: bytes | None = await apart(lambda: find_canary(warehouse, day, bytes.fromhex(index)))
        return {"ciphertext": "" if found is None else found.hex()}

    return {"vault_find": find, "vault_erase": erase, "vault_canary": canary}


def _encoded(wanted: Wanted) -> list[list[Any]]:
    return [[site_id, day, index.hex()] for site_id, day, index in wanted]


def _decoded(wanted: list[list[Any]]) -> list[tuple[int, int, bytes]]:
    return [(int(site_id), int(day), bytes.fromhex(index)) for site_id, day, index in wanted]
