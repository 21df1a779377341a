"""
Shared links: a site's numbers for whoever has the address, perhaps with a password, an end, or one segment only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, insert, select

from warehouse.clock import Clock
from warehouse.registry.attempts import Attempts
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.errors import RegistryError
from warehouse.registry.passwords import hashed_password, password_fits
from warehouse.registry.schema import SEGMENTS, SHARED_LINKS
from warehouse.registry.segments import checked_name

SLUG_BYTES = 16
DAY_MS = 24 * 60 * 60 * 1000
LINKS_MAX = 500
"""Per site."""


@dataclass(frozen=True, slots=True)
class SharedLink:
    """
    One shared link.

    Attributes:
        slug: 16 random bytes as text; whoever has it may look.
        expires_ms: when it ends, epoch milliseconds UTC; None for never.
        segment_id: all that it shows; None for the whole site.
    """

    id: int
    site_id: int
    name: str
    slug: str
    has_password: bool
    expires_ms: int | None
    segment_id: int | None
    created_ms: int


class SharedLinks:
    """
    The shared links of every site.
    """

    def __init__(self, connection: RegistryConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._attempts = Attempts(connection, clock)

    def add(
        self,
        site_id: int,
        name: str,
        *,
        password: str | None = None,
        expires_ms: int | None = None,
        segment_id: int | None = None,
    ) -> SharedLink:
        """
        Make a link.

        Raises:
            RegistryError: no name, one that is taken, a password that is too short, an end that is past, or no such
                segment.
        """
        name = checked_name("shared link", name)
        if expires_ms is not None and expires_ms <= self._clock.now_ms():
            raise RegistryError("the link would have ended already: give an end that lies ahead")
        hashed = hashed_password(password) if password else None
        with self._connection.change() as transaction:
            names = list(transaction.scalars(select(SHARED_LINKS.c.name).where(SHARED_LINKS.c.site_id == site_id)))
            if name in names:
                raise RegistryError(f"the site has a shared link called {name!r} already: give it another name")
            if len(names) >= LINKS_MAX:
                raise RegistryError(f"the site has {LINKS_MAX} shared links already: remove one first")
            if segment_id is not None:
                same = (SEGMENTS.c.site_id == site_id) & (SEGMENTS.c.id == segment_id)
                if transaction.execute(select(SEGMENTS.c.id).where(same)).first() is None:
                    raise RegistryError(f"the site has no segment with the number {segment_id}")
            made = insert(SHARED_LINKS).values(
                site_id=site_id,
                name=name,
                slug=secrets.token_urlsafe(SLUG_BYTES),
                password_hash=hashed,
                expires_ms=expires_ms,
                segment_id=segment_id,
                created_ms=self._clock.now_ms(),
            )
            return _link(transaction.execute(made.returning(SHARED_LINKS)).one())

    def named(self, site_id: int, name: str) -> SharedLink | None:
        """
        Find a link of a site by its name.
        """
        same = (SHARED_LINKS.c.site_id == site_id) & (SHARED_LINKS.c.name == name.strip())
        with self._connection.read() as transaction:
            row = transaction.execute(select(SHARED_LINKS).where(same)).one_or_none()
        return None if row is None else _link(row)

    def all(self, site_id: int) -> list[SharedLink]:
        """
        List a site's links by name, ended ones too.
        """
        query = select(SHARED_LINKS).where(SHARED_LINKS.c.site_id == site_id).order_by(SHARED_LINKS.c.name)
        with self._connection.read() as transaction:
            return [_link(row) for row in transaction.execute(query)]

    def find(self, slug: str) -> SharedLink | None:
        """
        Find a link by its slug; None when it is unknown, removed or ended.
        """
        with self._connection.read() as transaction:
            row = transaction.execute(select(SHARED_LINKS).where(SHARED_LINKS.c.slug == slug)).one_or_none()
        if row is None or (row.expires_ms is not None and row.expires_ms <= self._clock.now_ms()):
            return None
        return _link(row)

    def open(self, link: SharedLink, password: str) -> bool:
        """
        Check a link's password.

        Raises:
            SignInThrottled: too many attempts for this link.
        """
        account = f"shared link {link.id}"
        self._attempts.note(account)
        with self._connection.read() as transaction:
            query = select(SHARED_LINKS.c.password_hash).where(SHARED_LINKS.c.id == link.id)
            hashed = transaction.execute(query).scalar_one_or_none()
        if not password_fits(hashed, password):
            return False
        self._attempts.forget(account)
        return True

    def ticket(self, link: SharedLink) -> str:
        """
        Write what shows, for a day or two, that a link's password was known; another password makes it useless.
        """
        return self._ticket(link, self._today())

    def accepts(self, link: SharedLink, ticket: str) -> bool:
        """
        Tell whether a ticket is one of today or yesterday.
        """
        today = self._today()
        given = ticket.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(self._ticket(link, day).encode(), given) for day in (today, today - 1))

    def _today(self) -> int:
        return self._clock.now_ms() // DAY_MS

    def _ticket(self, link: SharedLink, day: int) -> str:
        with self._connection.read() as transaction:
            query = select(SHARED_LINKS.c.password_hash).where(SHARED_LINKS.c.id == link.id)
            hashed = transaction.execute(query).scalar_one_or_none()
        # Without a password to know, a random key: no ticket fits.
        key = hashed.encode() if hashed else secrets.token_bytes(32)
        return hmac.new(key, f"daysalt ticket {link.slug} {day}".encode(), hashlib.sha256).hexdigest()

    def remove(self, site_id: int, link_id: int) -> None:
        """
        Remove a link; whoever has it sees nothing any more.

        Raises:
            RegistryError: the site has no such link.
        """
        same = (SHARED_LINKS.c.site_id == site_id) & (SHARED_LINKS.c.id == link_id)
        with self._connection.change() as transaction:
            if not transaction.execute(delete(SHARED_LINKS).where(same)).rowcount:
                raise RegistryError(f"the site has no shared link with the number {link_id}")


def _link(row: Row[Any]) -> SharedLink:
    return SharedLink(
        id=row.id,
        site_id=row.site_id,
        name=row.name,
        slug=row.slug,
        has_password=row.password_hash is not None,
        expires_ms=row.expires_ms,
        segment_id=row.segment_id,
        created_ms=row.created_ms,
    )
