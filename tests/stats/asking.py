"""
Ask the JSON routes in process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette

from dashboard.api.routes import build_api_routes
from dashboard.context import Context


def ask_http(
    context: Context,
    method: str,
    path: str,
    *,
    key: str = "",
    sent_headers: Mapping[str, str] | None = None,
    **arguments: Any,
) -> httpx.Response:
    """
    Send one request to the JSON routes.
    """
    app = Starlette(routes=build_api_routes(context))
    headers = {**(sent_headers or {}), **({"authorization": f"Bearer {key}"} if key else {})}

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://stats.test") as client:
            return await client.request(method, path, headers=headers, **arguments)

    return anyio.run(send)
