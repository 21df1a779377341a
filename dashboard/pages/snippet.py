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


def snippet(address: str, domain: str) -> str:
    """
    Write the script tag for a site.
    """
    return f'<script defer data-domain="{escape(domain)}" src="{escape(address)}/js/script.js"></script>'
