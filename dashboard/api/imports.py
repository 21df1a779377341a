"""
History by key: `POST /api/v1/import` takes a stream of events, `GET` lists what came, `DELETE` takes it out again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import INVALID_KEY, MISSING_SITE, ApiError, bearer
from dashboard.context import Context
from dashboard.importing import Importing, Receiving
from dashboard.stats.answer import in_thread
from warehouse.client import WarehouseRefused
from warehouse.imports import ImportPaused, ImportRefused, ImportRow
from warehouse.registry.sites import Site

SCOPES = ("sites", "ingest")
"""What a key must be good for; `all` is good for both."""
CHUNK_BYTES = 256 * 1024
"""How much of a stream is handed on at once."""
SILENCE_SECONDS_MAX = 60
"""A sender that says nothing for so long is gone; another import of the site may begin."""
TURN_SECONDS_MAX = 600
"""How long a stream waits for another import of its site."""
TURN_LOOK_SECONDS = 0.05
NOT_HERE = "This process has no store to import into: send it to the one that runs the drain."
STOPPING = "The server is stopping. It finishes this import after its next start: send it again to see."
STORE_REFUSED = "The store refused these events and has none of them. Please report this with the server's log."


async def imported(context: Context, request: Request) -> Response:
    """
    Answer `POST /api/v1/import?site_id=DOMAIN`: events, one JSON object a line, gzip or plain. The answer comes when
    the days they touch are exact.
    """
    site, importing = await _site_of(context, request)
    receiving = await _begin(importing, site)
    try:
        async for piece in _pieces(request):
            await to_thread.run_sync(receiving.feed, piece)
    except BaseException as error:
        receiving.abandon()
        if isinstance(error, ImportRefused):
            raise ApiError(400, str(error)) from None
        if isinstance(error, TimeoutError):
            raise ApiError(408, "Nothing came for a minute, and nothing was imported. Send the file again.") from None
        if isinstance(error, ClientDisconnect):
            return Response(status_code=400)  # nobody is there to read it
        if isinstance(error, OSError):
            raise ApiError(507, "There is no room to take the file. Nothing was imported.") from error
        raise
    try:
        return JSONResponse(await to_thread.run_sync(receiving.finish))
    except ImportRefused as error:
        raise ApiError(409, str(error)) from None
    except ImportPaused:
        return JSONResponse({"error": STOPPING}, 503, {"retry-after": "5"})
    except WarehouseRefused as error:
        raise ApiError(500, STORE_REFUSED) from error


async def listed(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/import?site_id=DOMAIN`: what was imported, the oldest first.
    """
    site, importing = await _site_of(context, request)
    rows = await in_thread(importing.listed, site.id)
    return JSONResponse({"imports": [import_facts(row) for row in rows]})


async def removed(context: Context, request: Request) -> Response:
    """
    Answer `DELETE /api/v1/import/{id}?site_id=DOMAIN`: its events are gone when the answer comes.
    """
    site, importing = await _site_of(context, request)
    try:
        row, events = await to_thread.run_sync(importing.remove, site.id, request.path_params["id"])
    except ImportRefused as error:
        raise ApiError(404 if "there is no import" in str(error) else 409, str(error)) from None
    return JSONResponse({"deleted": True, "id": row.id, "events": events})


def import_facts(row: ImportRow) -> dict[str, Any]:
    """
    Tell one import in JSON.
    """
    return {
        "id": row.id,
        "stored": row.stored.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "format": row.format,
        "file": row.label,
        "events": row.events,
        "rejected": row.rejected,
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
    }


async def _site_of(context: Context, request: Request) -> tuple[Site, Importing]:
    plain = bearer(request)
    domain = request.query_params.get("site_id")
    if not domain:
        raise ApiError(400, MISSING_SITE)
    key = await in_thread(context.registry.keys.find, plain)
    site = await in_thread(context.registry.sites.find, domain)
    if key is None or site is None or not any(key.allows(scope, site.id) for scope in SCOPES):
        raise ApiError(401, INVALID_KEY)
    if context.importing is None:
        raise ApiError(501, NOT_HERE)
    return site, context.importing


async def _begin(importing: Importing, site: Site) -> Receiving:
    for _ in range(int(TURN_SECONDS_MAX / TURN_LOOK_SECONDS)):
        receiving = await to_thread.run_sync(importing.begin, site)
        if receiving is not None:
            return receiving
        await asyncio.sleep(TURN_LOOK_SECONDS)
    raise ApiError(409, "Another import of this site is under way. Send this one when it is done.")


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """
    Gather what comes into pieces worth handing to a thread.

    Raises:
        TimeoutError: the sender fell silent.
        ClientDisconnect: the sender went away.
    """
    stream = request.stream()
    gathered: list[bytes] = []
    size = 0
    while True:
        chunk = await asyncio.wait_for(anext(stream, None), SILENCE_SECONDS_MAX)
        if chunk is None:
            break
        gathered.append(chunk)
        size += len(chunk)
        if size >= CHUNK_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)
