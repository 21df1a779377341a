"""
What each part of a goal may be.
"""

from __future__ import annotations

from typing import Literal, cast

from babel.core import get_global

from warehouse.registry.errors import RegistryError

EVENT_NAME_CHARS_MAX = 120
"""As in the events API: https://plausible.io/docs/events-api"""

PAGE_PATH_CHARS_MAX = 2000
DISPLAY_NAME_CHARS_MAX = 200
CUSTOM_PROPS_MAX = 3
PROP_KEY_CHARS_MAX = 300
PROP_VALUE_CHARS_MAX = 2000

KINDS = ("event", "page", "scroll")


def checked_kind(kind: object, scroll_threshold: object) -> tuple[Literal["event", "page", "scroll"], int | None]:
    """
    Check a goal's kind together with its scroll threshold: a page with one is a scroll goal.

    Returns:
        Kind and threshold in percent; None for a goal that is not about scrolling.
    """
    if kind not in KINDS:
        raise RegistryError(f"{str(kind)[:50]!r} is not a kind of goal: use event, page or scroll")
    if scroll_threshold is None:
        if kind == "scroll":
            raise RegistryError("a scroll goal needs a scroll_threshold from 1 to 100")
        return ("event" if kind == "event" else "page"), None
    if isinstance(scroll_threshold, str) and scroll_threshold.strip().isascii() and scroll_threshold.strip().isdigit():
        # Forms say everything in text.
        scroll_threshold = int(scroll_threshold.strip()[:6])
    if isinstance(scroll_threshold, bool) or not isinstance(scroll_threshold, int):
        raise RegistryError(f"scroll_threshold is {scroll_threshold!r}, but must be a whole number from 1 to 100")
    if kind == "page" and scroll_threshold == -1:
        # The stats API's clients say "no threshold" like this.
        return "page", None
    if kind == "event":
        raise RegistryError("an event goal has no scroll_threshold: leave it out, or use page")
    if not 1 <= scroll_threshold <= 100:
        raise RegistryError(f"scroll_threshold is {scroll_threshold}, but must be a whole number from 1 to 100")
    return "scroll", scroll_threshold


def checked_target(kind: str, event_name: object, page_path: object) -> str:
    """
    Check what a goal counts: the name of an event, or the path of a page.
    """
    if kind == "event":
        name = event_name.strip() if isinstance(event_name, str) else ""
        if not 0 < len(name) <= EVENT_NAME_CHARS_MAX:
            raise RegistryError(f"an event goal needs an event name of 1 to {EVENT_NAME_CHARS_MAX} characters")
        if name == "engagement":
            raise RegistryError("'engagement' is Daysalt's own event: give the event another name")
        return name
    path = page_path.strip() if isinstance(page_path, str) else ""
    if not path.startswith("/") or len(path) > PAGE_PATH_CHARS_MAX:
        raise RegistryError(
            f"a {kind} goal needs a page path that begins with a slash, of up to {PAGE_PATH_CHARS_MAX} characters"
        )
    return path


def checked_display_name(name: object) -> str | None:
    """
    Check the name to show; None takes the one that says what is counted.
    """
    if name is None:
        return None
    if not isinstance(name, str) or not 0 < len(name.strip()) <= DISPLAY_NAME_CHARS_MAX:
        raise RegistryError(f"the display name must have 1 to {DISPLAY_NAME_CHARS_MAX} characters")
    return name.strip()


def checked_currency(kind: str, currency: object) -> str | None:
    """
    Check the currency of a goal's revenue.
    """
    if currency is None or currency == "":
        return None
    code = currency.strip().upper() if isinstance(currency, str) else ""
    if code not in get_global("all_currencies"):
        raise RegistryError(f"{str(currency)[:20]!r} is not a currency: use a code of ISO 4217 such as EUR")
    if kind != "event":
        raise RegistryError(f"a {kind} goal has no currency: only events carry revenue")
    return code


def checked_custom_props(props: object) -> dict[str, str]:
    """
    Check the properties that an event must carry.
    """
    if props is None:
        return {}
    if not isinstance(props, dict):
        raise RegistryError("custom_props must be an object of texts")
    given = cast("dict[object, object]", props)
    if len(given) > CUSTOM_PROPS_MAX:
        raise RegistryError(f"custom_props has {len(given)} properties: at most {CUSTOM_PROPS_MAX} are allowed")
    checked: dict[str, str] = {}
    for key, value in given.items():
        if not isinstance(key, str) or not 0 < len(key.strip()) <= PROP_KEY_CHARS_MAX:
            raise RegistryError(f"a name in custom_props must have 1 to {PROP_KEY_CHARS_MAX} characters")
        if not isinstance(value, str) or not 0 < len(value) <= PROP_VALUE_CHARS_MAX:
            raise RegistryError(
                f"the value of {key[:50]!r} in custom_props must be a text of 1 to {PROP_VALUE_CHARS_MAX} characters"
            )
        checked[key.strip()] = value
    return checked
