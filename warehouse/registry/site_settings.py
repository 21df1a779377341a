"""
What each setting of a site may be.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warehouse.registry.errors import RegistryError

K_MAX = 100
SHIELD_KINDS = ("ip", "country", "page", "hostname")
SHIELD_ENTRIES_MAX = 500
"""Per kind and site: every hit is held against them."""

SHIELD_CHARS_MAX = 500


def checked_timezone(name: object) -> str:
    """
    Check a time zone's name against the tz database.
    """
    try:
        if not isinstance(name, str) or not name or len(name) > 64:
            raise ValueError
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RegistryError(
            f"{str(name)[:64]!r} is not a time zone: use a name of the tz database such as Europe/Stockholm"
        ) from None
    return name


def checked_k(k: object) -> int:
    """
    Check the smallest number of visitors a row may show.
    """
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= K_MAX:
        raise RegistryError(f"k is {k!r}, but must be a whole number from 1 to {K_MAX}")
    return k


def checked_switch(name: str, value: object) -> bool:
    """
    Check a switch.
    """
    if not isinstance(value, bool):
        raise RegistryError(f"{name} is {value!r}, but must be true or false")
    return value


def checked_choice(name: str, value: object, allowed: tuple[str, ...]) -> str:
    """
    Check a choice from a closed set.
    """
    if not isinstance(value, str) or value not in allowed:
        raise RegistryError(f"{name} is {value!r}, but must be {' or '.join(allowed)}")
    return value


def checked_preset(preset: object) -> str | None:
    """
    Check a preset's name; None is no preset.
    """
    if preset is not None and preset != "cnil":
        raise RegistryError(f"{preset!r} is not a preset: use cnil, or leave it out")
    return "cnil" if preset else None


def checked_shield(kind: str, entries: object) -> list[str]:
    """
    Check the entries of one kind of shield and write each the one way.

    Returns:
        The entries in their given order, each once.
    """
    if kind not in SHIELD_KINDS:
        raise RegistryError(f"{kind!r} is not a kind of shield: use {', '.join(SHIELD_KINDS)}")
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise RegistryError(f"the {kind} shield must be a list of texts")
    entries = cast("Sequence[object]", entries)
    if len(entries) > SHIELD_ENTRIES_MAX:
        raise RegistryError(f"the {kind} shield has {len(entries)} entries: at most {SHIELD_ENTRIES_MAX} are allowed")
    return list(dict.fromkeys(_checked_entry(kind, entry) for entry in entries))


def _checked_entry(kind: str, entry: object) -> str:
    if not isinstance(entry, str) or not entry.strip() or len(entry) > SHIELD_CHARS_MAX:
        raise RegistryError(
            f"an entry of the {kind} shield is empty, too long or no text: give texts of up to 500 characters"
        )
    entry = entry.strip()
    if kind == "ip":
        try:
            # A single address stays an address; host bits of a network are cut off.
            return str(ipaddress.ip_network(entry, strict=False) if "/" in entry else ipaddress.ip_address(entry))
        except ValueError:
            # Not repeated in the sentence: it may be somebody's address, and sentences end up in logs.
            raise RegistryError(
                "an entry of the ip shield is neither an address nor a network such as 192.0.2.0/24"
            ) from None
    if kind == "country":
        if len(entry) != 2 or not entry.isascii() or not entry.isalpha():
            raise RegistryError(f"{entry!r} is not a country: use two letters such as SE")
        return entry.upper()
    if kind == "page":
        if not entry.startswith("/"):
            raise RegistryError(f"{entry!r} is not a page: begin it with a slash; * and ** stand for any text")
        return entry
    return entry.lower()
