"""
The databases that a setting names: a start without them would count for years without countries, and say so only to
whoever asks.
"""

from __future__ import annotations

import maxminddb

from warehouse.settings import Settings, SettingsError


def check_named_lists(settings: Settings) -> None:
    """
    See that each database a setting names is there and can be read. What is fetched by itself may come later.

    Raises:
        SettingsError: it is not.
    """
    for name, path in (("DAYSALT_GEO_DB", settings.geo_db), ("DAYSALT_NETWORK_DB", settings.network_db)):
        if path is None:
            continue
        allowed = f"{name} is {str(path)!r}, but must be an mmdb file that this user can read, or empty"
        try:
            maxminddb.open_database(path, maxminddb.MODE_AUTO).close()
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            raise SettingsError(allowed) from None
