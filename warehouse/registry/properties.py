"""
Declared properties: the ones that the dashboard names. Others are stored and can be asked for all the same.
"""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import PROPERTIES

PROPERTY_CHARS_MAX = 300
"""As in the events API."""
PROPERTIES_MAX = 300
"""Per site."""


class Properties:
    """
    The declared properties of every site.
    """

    def __init__(self, connection: RegistryConnection) -> None:
        self._connection = connection

    def add(self, site_id: int, name: str) -> str:
        """
        Declare a property; one that is there already is no error.

        Raises:
            RegistryError: no site, no name, or too many of them.
        """
        name = name.strip()
        if not 0 < len(name) <= PROPERTY_CHARS_MAX or not name.isprintable():
            raise RegistryError(f"a property needs a name of 1 to {PROPERTY_CHARS_MAX} characters")
        with self._connection.change() as transaction:
            there = set(transaction.scalars(select(PROPERTIES.c.name).where(PROPERTIES.c.site_id == site_id)))
            if name in there:
                return name
            if len(there) >= PROPERTIES_MAX:
                raise RegistryError(f"the site has {PROPERTIES_MAX} properties already: remove one first")
            transaction.execute(insert(PROPERTIES).values(site_id=site_id, name=name))
        return name

    def all(self, site_id: int) -> list[str]:
        """
        List a site's declared properties by name.
        """
        query = select(PROPERTIES.c.name).where(PROPERTIES.c.site_id == site_id).order_by(PROPERTIES.c.name)
        with self._connection.read() as transaction:
            return list(transaction.scalars(query))

    def remove(self, site_id: int, name: str) -> None:
        """
        Declare a property no longer; its values stay in the events. One that is not declared is no error.
        """
        same = (PROPERTIES.c.site_id == site_id) & (PROPERTIES.c.name == name)
        with self._connection.change() as transaction:
            transaction.execute(delete(PROPERTIES).where(same))
