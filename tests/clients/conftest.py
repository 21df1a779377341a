"""
The browser and the web site of the browser tests.
"""

from __future__ import annotations

from tests.browser.conftest import browser, context, page, playwright, site

__all__ = ["browser", "context", "page", "playwright", "site"]
