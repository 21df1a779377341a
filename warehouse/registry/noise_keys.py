"""
Each site's noise key: what the gate draws the noise of small filtered numbers with. Nobody else needs it.

It outlives restarts and restores, because the same people must always be shown as the same number.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.schema import NOISE_KEYS

NOISE_KEY_BYTES = 12


class NoiseKeys:
    """
    The noise keys of every site.
    """

    def __init__(self, connection: RegistryConnection) -> None:
        self._connection = connection

    def of(self, site_id: int) -> bytes:
        """
        Give a site's key.

        Raises:
            RegistryError: there is no such site.
        """
        with self._connection.read() as transaction:
            row = transaction.execute(select(NOISE_KEYS).where(NOISE_KEYS.c.site_id == site_id)).one_or_none()
        if row is None:
            raise RegistryError("the site is gone: it was removed meanwhile")
        return bytes.fromhex(row.noise_key)


def add_noise_key(transaction: Connection, site_id: int) -> None:
    """
    Give a new site its key.
    """
    key = secrets.token_hex(NOISE_KEY_BYTES)
    transaction.execute(insert(NOISE_KEYS).values(site_id=site_id, noise_key=key))
