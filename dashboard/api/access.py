"""
Who asks: Bearer keys, and the errors that clients of the stats API know.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from dashboard.context import Context
from dashboard.stats.answer import in_thread
from warehouse.registry.api_keys import ApiKey
from warehouse.registry.sites import Site

MISSING_KEY = "Missing API key. Please use a valid Plausible API key as a Bearer Token."
INVALID_KEY = (
    "Invalid API key or site ID. "
    "Please make sure you're using a valid API key with access to the site you've requested."
)
MISSING_SITE = "Missing site ID. Please provide the required site_id parameter with your request."


class ApiError(Exception):
    """
    An answer other than 200, with its text.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    def response(self) -> JSONResponse:
        """
        The answer to send.
        """
        return JSONResponse({"error": self.text}, status_code=self.status)


def bearer(request: Request) -> str:
    """
    Read the key of a request.

    Raises:
        ApiError: there is none.
    """
    scheme, _, plain = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not plain.strip():
        raise ApiError(401, MISSING_KEY)
    return plain.strip()


async def key_of(context: Context, request: Request, scope: str) -> ApiKey:
    """
    Find the key of a request that is good for a scope, on whatever site.

    Raises:
        ApiError: none, unknown, revoked, or of another scope.
    """
    key = await in_thread(context.registry.keys.find, bearer(request))
    if key is None or not key.allows(scope, key.site_id):
        raise ApiError(401, INVALID_KEY)
    return key


async def site_of(context: Context, request: Request, domain: str | None) -> Site:
    """
    Find the site that a request with a key for stats is about.

    Raises:
        ApiError: no key, no site named, or a key that is not good for it; whether the site exists is not told.
    """
    plain = bearer(request)
    if not domain:
        raise ApiError(400, MISSING_SITE)
    key = await in_thread(context.registry.keys.find, plain)
    site = await in_thread(context.registry.sites.find, domain)
    if key is None or site is None or not key.allows("stats", site.id):
        raise ApiError(401, INVALID_KEY)
    return site
