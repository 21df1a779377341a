"""
What a line of an import says itself of a visit, in the place of what would be derived. Pure.
"""

from __future__ import annotations

from typing import cast

import msgspec

from ingest.channel import channel_of
from ingest.event import Event
from ingest.scrub import scrub

TEXTS = (
    "referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
    "country", "region", "browser", "browser_version", "os", "os_version", "device",
)  # fmt: skip
TEXT_LENGTH_MAX = 2000
CITY_MAX = 2**32 - 1
_SCRUBBED = frozenset(TEXTS[:8])
"""Where sites happen to put personal data; the rest are names of places and machines."""
_DECIDE_THE_CHANNEL = frozenset({"source", "utm_source", "utm_medium", "utm_campaign"})


class AttributeRefused(Exception):
    """
    An attribute that cannot be taken. The text is one sentence without its value.
    """


def with_attributes(event: Event, sent: object) -> Event:
    """
    Put attributes over the derived ones. Where one that decides the channel is given and no channel is, the channel
    follows from them.

    Args:
        sent: `attrs` of a line; what is null is as good as not there, an empty text overrides.

    Raises:
        AttributeRefused: no object, an unknown name, or a value of another type.
    """
    if not isinstance(sent, dict):
        raise AttributeRefused("attrs: is no object")
    given: dict[str, str | int] = {}
    for name, value in cast("dict[str, object]", sent).items():
        if value is None:
            continue
        if name == "city":
            given[name] = _city(value)
        elif name in TEXTS:
            given[name] = _text(name, value)
        else:
            raise AttributeRefused(f"attrs: has a name that is none of {', '.join((*TEXTS, 'city'))}")
    changed = msgspec.structs.replace(event, **given)
    if "channel" in given or not _DECIDE_THE_CHANNEL & given.keys():
        return changed
    channel = channel_of(changed.source, changed.utm_medium, changed.utm_campaign, changed.utm_source, changed.click_id)
    return msgspec.structs.replace(changed, channel=channel)


def _text(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX or "\x00" in value:
        raise AttributeRefused(f"attrs: {name} is no text of at most {TEXT_LENGTH_MAX} characters")
    # As with what is derived: advertisers' campaign ids are long numbers, in a referrer they are somebody's.
    return scrub(value, numbers=name == "referrer").text if name in _SCRUBBED else value


def _city(value: object) -> int:
    if isinstance(value, str):
        value = 0 if value == "" else int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= CITY_MAX:
        raise AttributeRefused("attrs: city is no GeoNames id")
    return value
