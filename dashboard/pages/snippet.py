"""
The script tag that a site owner pastes.
"""

from __future__ import annotations

from html import escape

from starlette.requests import Request

from warehouse.settings import Settings


def public_address(settings: Settings, request: Request) -> str:
    """
    Give the address Daysalt is reached at: the setting, else what this request was sent to.
    """
    if settings.base_url:
        return settings.base_url
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return f"{'https' if scheme == 'https' else 'http'}://{request.headers.get('host', 'localhost')}"


def snippet(address: str, domain: str, *, integrity: str = "") -> str:
    """
    Write the script tag for a site.

    Args:
        integrity: hash of the script that the browser shall hold it against, such as `sha384-...`; empty for none.
    """
    pinned = f' integrity="{integrity}" crossorigin="anonymous"' if integrity else ""
    return f'<script defer data-domain="{escape(domain)}" src="{escape(address)}/js/script.js"{pinned}></script>'


def own_snippet(address: str, script_id: str) -> str:
    """
    Write the tag of a site's own script, which starts by itself.
    """
    return f'<script defer src="{escape(address)}/js/pa-{script_id}.js"></script>'


def started_snippet(address: str, script_id: str) -> str:
    """
    Write the tag of a site's own script with the lines that keep early calls and start it with the page's options.

    Source: https://plausible.io/docs/script-extensions, for pages whose code calls `plausible.init`.
    """
    return (
        f'<script async src="{escape(address)}/js/pa-{script_id}.js"></script>\n'
        "<script>\n"
        "  window.plausible = window.plausible || function () { (plausible.q = plausible.q || []).push(arguments) }\n"
        "  plausible.init = plausible.init || function (options) { plausible.o = options || {} }\n"
        "  plausible.init()\n"
        "</script>"
    )
