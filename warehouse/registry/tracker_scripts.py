"""
Each site's own tracker script: the id in its address `/js/pa-<id>.js`, and what it counts by itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack, cast

from sqlalchemy import Connection, Row, insert, select, update

from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import SITES, TRACKER_SCRIPTS
from warehouse.registry.site_settings import checked_switch

SCRIPT_ID_BYTES = 12
"""Random, so that one site's script does not lead to another's."""

FILE_TYPES_CHARS_MAX = 500

_FILE_TYPE = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,19}", re.IGNORECASE)
_SWITCHES = ("outbound_links", "file_downloads", "form_submissions", "hash_routing")


@dataclass(frozen=True, slots=True)
class TrackerScript:
    """
    One site's own script.
    """

    site_id: int
    domain: str
    script_id: str
    outbound_links: bool
    file_downloads: bool
    file_types: tuple[str, ...]
    """Endings of files whose downloads count, without the dot; none for the usual ones."""
    form_submissions: bool
    hash_routing: bool
    """The part of an address behind `#` is the page."""


class TrackerScriptSettings(TypedDict, total=False):
    """
    What `TrackerScripts.change` takes; what is left out stays as it is.
    """

    outbound_links: bool
    file_downloads: bool
    file_types: Sequence[str]
    form_submissions: bool
    hash_routing: bool


class TrackerScripts:
    """
    The scripts of every site.
    """

    def __init__(self, connection: RegistryConnection) -> None:
        self._connection = connection

    def of(self, site_id: int) -> TrackerScript:
        """
        Give a site's script.

        Raises:
            RegistryError: there is no such site.
        """
        with self._connection.read() as transaction:
            return _one(transaction, site_id)

    def all(self) -> list[TrackerScript]:
        """
        List every site's script, by number of the site.
        """
        with self._connection.read() as transaction:
            rows = transaction.execute(_SCRIPTS.order_by(TRACKER_SCRIPTS.c.site_id)).all()
            return [_script(row) for row in rows]

    def change(self, site_id: int, **settings: Unpack[TrackerScriptSettings]) -> TrackerScript:
        """
        Change what a site's script counts; what is not named stays.

        Raises:
            RegistryError: no such site, or a value is not allowed; nothing is changed then.
        """
        values: dict[str, object] = {}
        for name, value in settings.items():
            if name in _SWITCHES:
                values[name] = checked_switch(name, value)
            elif name == "file_types":
                values[name] = ",".join(_checked_file_types(value))
            else:
                raise RegistryError(f"{name!r} is not a setting of a script: use {', '.join(_SWITCHES)} or file_types")
        with self._connection.change() as transaction:
            script = _one(transaction, site_id)
            if values:
                transaction.execute(
                    update(TRACKER_SCRIPTS).where(TRACKER_SCRIPTS.c.site_id == script.site_id).values(values)
                )
            return _one(transaction, site_id)


def add_tracker_script(transaction: Connection, site_id: int) -> None:
    """
    Give a new site its script, in the transaction that adds the site.
    """
    values = {"site_id": site_id, "script_id": secrets.token_hex(SCRIPT_ID_BYTES), "file_types": ""}
    switches = {"outbound_links": True, "file_downloads": True, "form_submissions": True, "hash_routing": False}
    transaction.execute(insert(TRACKER_SCRIPTS).values(values | switches))


_SCRIPTS = select(TRACKER_SCRIPTS, SITES.c.domain).join(SITES, SITES.c.id == TRACKER_SCRIPTS.c.site_id)


def _one(transaction: Connection, site_id: int) -> TrackerScript:
    row = transaction.execute(_SCRIPTS.where(TRACKER_SCRIPTS.c.site_id == site_id)).one_or_none()
    if row is None:
        raise RegistryError(f"there is no site with the number {site_id}: see `daysalt site list`")
    return _script(row)


def _checked_file_types(value: object) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise RegistryError("file_types must be a list of file endings such as pdf and zip")
    types: list[str] = []
    for entry in cast("Sequence[object]", value):
        text = entry.strip().removeprefix(".") if isinstance(entry, str) else ""
        if not _FILE_TYPE.fullmatch(text):
            raise RegistryError(f"{str(entry)[:40]!r} is not a file's ending: use letters and digits, such as pdf")
        types.append(text)
    types = list(dict.fromkeys(types))
    if len(",".join(types)) > FILE_TYPES_CHARS_MAX:
        raise RegistryError(f"the file endings have more than {FILE_TYPES_CHARS_MAX} characters: name fewer")
    return types


def _script(row: Row[Any]) -> TrackerScript:
    return TrackerScript(
        site_id=row.site_id,
        domain=row.domain,
        script_id=row.script_id,
        outbound_links=bool(row.outbound_links),
        file_downloads=bool(row.file_downloads),
        file_types=tuple(row.file_types.split(",")) if row.file_types else (),
        form_submissions=bool(row.form_submissions),
        hash_routing=bool(row.hash_routing),
    )
