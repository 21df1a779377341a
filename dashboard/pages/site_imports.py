"""
The imports of a site: what its settings page lists, and how one is taken out again.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_datetime

from dashboard.context import Context
from dashboard.pages.forms import Form
from dashboard.pages.panels import mark
from warehouse.imports import ImportRefused, list_imports
from warehouse.registry.errors import RegistryError
from warehouse.registry.sites import Site

KINDS: dict[str, str] = {
    "ndjson": mark("Events, one a line"),
    "log": mark("Access log of a web server"),
    "csv": mark("Daily totals of another service"),
}
"""By the format that is kept."""


def imports_shown(context: Context, site: Site, locale: Locale) -> dict[str, object]:
    """
    Give what the page is made of, the newest import first.

    Raises:
        WarehouseUnavailable: ask again later.
    """
    rows = list_imports(context.warehouse, site.id)
    importing = context.importing

    def day(one: date) -> str:
        return format_date(one, "medium", locale=locale)

    def moment(stored: datetime) -> str:
        return format_datetime(stored, "medium", tzinfo=ZoneInfo(site.timezone), locale=locale)

    return {
        "imports": rows[::-1],
        "kinds": KINDS,
        "under_way": importing is not None and importing.under_way(site.id),
        "can_remove": importing is not None,
        "day": day,
        "moment": moment,
    }


def remove_import(context: Context, site: Site, form: Form) -> Site:
    """
    Take an import out, with all that it brought.

    Raises:
        RegistryError: it cannot be.
        WarehouseUnavailable: the same call finishes it.
    """
    number = form.get("id", "")
    rows = list_imports(context.warehouse, site.id)
    row = next((row for row in rows if row.id == number), None)
    if row is None or context.importing is None:
        raise RegistryError("there is no such import here: it was removed meanwhile")
    later = next((one for one in rows if one.follows == row.number), None)
    if later is not None:
        raise RegistryError(f"import {later.id} continues after {row.id}: remove {later.id} first")
    try:
        context.importing.remove(site.id, row.id)
    except ImportRefused:
        raise RegistryError("an import of this site is under way: try again when it is done") from None
    return site
