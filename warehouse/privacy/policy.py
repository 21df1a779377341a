"""
The privacy policy of a site as facts: what the register says, under the settings that are in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from warehouse.privacy.register import LANGUAGES, Entry, Register, period_text
from warehouse.registry.sites import Site
from warehouse.settings import Settings

FORMAT = "daysalt-policy/1"
RIGHTS = ("access", "rectification", "erasure", "restriction", "portability", "objection", "complaint")


def keeps_addresses(site: Site, settings: Settings) -> bool:
    """
    Tell whether the vault takes addresses of a site.
    """
    return site.vault and settings.ip_retention_days > 0


def entries_for(register: Register, site: Site, settings: Settings, day: date) -> tuple[Entry, ...]:
    """
    Give the rows of the register that concern a site now.
    """
    on = {"always": True, "vault": keeps_addresses(site, settings), "risk": site.risk}
    return tuple(entry for entry in register.in_force(day) if on[entry.when])


def periods(settings: Settings) -> dict[str, int]:
    """
    Give the settings that the register's periods name.
    """
    return {
        "DAYSALT_IP_RETENTION_DAYS": settings.ip_retention_days,
        "DAYSALT_EVENT_RETENTION_MONTHS": settings.event_retention_months,
    }


def policy_facts(register: Register, site: Site, settings: Settings, day: date, base: str) -> dict[str, Any]:
    """
    Write a site's policy as JSON can hold it.

    Args:
        day: today; rows that are not in force are left out.
        base: public address, or path in front of every path of ours.
    """
    values = periods(settings)
    return {
        "format": FORMAT,
        "site": site.domain,
        "version": register.version,
        "effective_from": register.effective_from.isoformat(),
        "languages": list(LANGUAGES),
        "controller": dict(register.controller_of(site.domain)) or None,
        "authorities": [dict(row) for row in register.authorities],
        "settings": {
            "timezone": site.timezone,
            "k": site.k,
            "vault": keeps_addresses(site, settings),
            "risk": site.risk,
            "signals": site.signals,
            "preset": site.preset,
            "ip_retention_days": settings.ip_retention_days,
            "event_retention_months": settings.event_retention_months,
        },
        "processing": [_row(entry, values) for entry in entries_for(register, site, settings, day)],
        "visitor_storage": {"cookies": 0, "local_storage": False, "session_storage": False, "third_parties": 0},
        "recipients": [dict(row) for row in register.recipients],
        "automated_decisions": False,
        "rights": list(RIGHTS),
        "links": {
            "policy": f"{base}/privacy/{site.domain}",
            "self_service": f"{base}/privacy/{site.domain}/me",
            "proofs": f"{base}/privacy/{site.domain}/retention-proof",
        },
    }


def _row(entry: Entry, values: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": entry.id,
        "subject": entry.subject,
        "purpose": entry.purpose,
        "category": entry.category,
        "legal_basis": entry.basis,
        "period": period_text(entry.period, values),
        "anchor": entry.anchor,
        "exceptions": list(entry.exceptions),
        "valid_from": entry.valid_from.isoformat(),
        "texts": {
            language: {"title": text.title, "what": text.what, "why": text.why, "start": text.start}
            for language, text in entry.texts.items()
        },
    }
