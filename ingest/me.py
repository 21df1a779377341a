"""
The self-service page of the connecting address: what is known of it, and objecting or erasing on the spot.

Answered by the collector, the only one who sees the address. Facts go to the dashboard, which makes the page of them,
in a header that nobody outside can set; the address does not. Whoever holds the connection holds the address: that is
all the proof there is, so the page tells days and counts, never pages (art. 11 and 12 GDPR).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ingest.collect import Headers
from ingest.hand_over import HandOver, Receive, Scope, Send

ME_HEADER = b"x-daysalt-me"
FORM_BYTES_MAX = 4096
SELF_SERVICE = "self-service"
"""Ticket, case and actor of what people do for themselves."""
_BODY_HEADERS = (b"content-length", b"content-type", b"transfer-encoding")
ACTIONS = ("object", "restrict", "withdraw", "erase")
Ask = Callable[..., Awaitable[dict[str, Any] | None]]
"""Asks the keeper for an operation; None when it refuses or is away."""


def is_me(path: str) -> bool:
    """
    Tell whether a path is a site's self-service page.
    """
    return path.startswith("/privacy/") and path.endswith("/me")


class Me:
    """
    The page's door.
    """

    def __init__(self, hand_over: HandOver, ask: Ask, address_of: Callable[[Headers, str], object]) -> None:
        self._hand_over = hand_over
        self._ask = ask
        self._address_of = address_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send, peer: str) -> None:
        """
        Answer `GET` and `POST /privacy/{domain}/me`.
        """
        headers: Headers = scope["headers"]
        address = str(self._address_of(headers, peer))
        done = ""
        if scope["method"] == "POST":
            form = await _form(receive)
            if not _same_origin(headers):
                done = "refused"
            elif form.get("action") not in ACTIONS or not await self._token_fits(address, form.get("token", "")):
                done = "stale"
            else:
                done = await self._act(address, form["action"])
        token = await self._ask("me_token", address=address)
        seen = await self._ask("vault_self", address=address)
        facts: dict[str, Any] = {
            "token": token["token"] if token else "",
            "kind": token["kind"] if token else "",
            "days": seen["days"] if seen else None,
            "disclosed": seen["disclosed"] if seen else [],
            "done": done,
        }
        kept = [(name, value) for name, value in headers if name not in _BODY_HEADERS]
        packed = base64.b64encode(json.dumps(facts).encode())
        await self._hand_over({**scope, "method": "GET", "headers": kept}, receive, send, ((ME_HEADER, packed),))

    async def _token_fits(self, address: str, token: str) -> bool:
        answer = await self._ask("me_use_token", address=address, token=token)
        return bool(answer and answer["valid"])

    async def _act(self, address: str, action: str) -> str:
        if action == "erase":
            answer = await self._ask("vault_erase_address", address=address, ticket=SELF_SERVICE, actor=SELF_SERVICE)
        elif action == "withdraw":
            answer = await self._ask("objection_withdraw", address=address)
        else:
            kind = "objected" if action == "object" else "restricted"
            answer = await self._ask("objection_add", address=address, kind=kind, case=SELF_SERVICE)
            if answer is not None and action == "restrict":
                answer = await self._ask("vault_restricted", address=address, ticket=SELF_SERVICE, actor=SELF_SERVICE)
        return action if answer is not None else "failed"


def _same_origin(headers: Headers) -> bool:
    sent = dict(headers)
    fetch_site = sent.get(b"sec-fetch-site")
    if fetch_site is not None:
        return fetch_site == b"same-origin"
    origin = sent.get(b"origin")
    return (
        origin is None
        or urlsplit(origin.decode("latin-1")).netloc.lower() == sent.get(b"host", b"").decode("latin-1").lower()
    )


async def _form(receive: Receive) -> dict[str, str]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body", False) or len(body) > FORM_BYTES_MAX:
            break
    if len(body) > FORM_BYTES_MAX:
        return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}
